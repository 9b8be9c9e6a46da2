"""Public endpoints: /v5/market and /v5/system."""

from collections.abc import Callable
from typing import Final

from archive.instruments import find_with_newest
from exchange.clearing.funding import FUNDING_PPM, INTERVAL_US
from exchange.kinds import TRADES
from venues.bybit.categories import Category
from venues.bybit.envelopes import page
from venues.bybit.errors import parameter_error
from venues.bybit.fields import Fields
from venues.bybit.listed import Listed, all_listed, find
from venues.bybit.market import instruments, klines
from venues.bybit.market.books import order_book
from venues.bybit.market.tickers import ticker
from venues.bybit.market.trades import recent_trades
from venues.bybit.numbers import ppm_text, quantity_text
from venues.bybit.rest.calls import Call, Result, Rows
from venues.doors import clock
from venues.doors.days import open_interest

MOST_KLINES: Final = 1_000
MOST_FUNDING: Final = 200
STEPS_S: Final = {"5min": 300, "15min": 900, "30min": 1_800, "1h": 3_600, "4h": 14_400,
                  "1d": 86_400}  # fmt: skip
Klines = Callable[[Listed, str, int | None, int | None, int], list[list[str]]]


def server_time(call: Call) -> Result:
    now = clock.now_ns()
    return Result({"timeSecond": str(now // 10**9), "timeNano": str(now)})


def instruments_info(call: Call) -> Result:
    category = call.fields.category()
    is_trading = call.fields.text("status", "Trading") == "Trading"
    rows = [instruments.instrument_row(each) for each in chosen(call.fields, category)]
    return Result(page(rows if is_trading else [], category=category.value))


def tickers(call: Call) -> Result:
    category = call.fields.category()
    rows = [ticker(each) for each in chosen(call.fields, category)]
    return Result({"category": category.value, "list": rows})


def orderbook(call: Call) -> Result:
    listed = one(call.fields)
    return Result(order_book(listed, call.fields.whole("limit", 1, 1_000, 25), call.now_ms))


def recent_trade(call: Call) -> Result:
    category = call.fields.category()
    limit = call.fields.limit(500, 1_000)
    rows = recent_trades(one(call.fields), limit)
    return Result({"category": category.value, "list": rows})


def kline(call: Call) -> Result:
    return klines_of(call, klines.trade_klines)


def mark_kline(call: Call) -> Result:
    return klines_of(call, klines.mark_klines)


def premium_kline(call: Call) -> Result:
    return klines_of(call, klines.premium_klines)


def klines_of(call: Call, read: Klines) -> Result:
    fields = call.fields
    listed = one(fields)
    interval = fields.choice("interval", {name: name for name in klines.INTERVALS})
    start, end = fields.moment("start"), fields.moment("end")
    if start is not None and end is not None and end < start:
        raise parameter_error("end is before start")
    rows = read(listed, interval, start, end, fields.limit(200, MOST_KLINES))
    return Result({"category": Category.LINEAR.value, "symbol": listed.name, "list": rows})


def funding_history(call: Call) -> Result:
    """Return the funding times that have passed, the newest first: the rate is constant."""
    listed, fields = one(call.fields), call.fields
    first, last = span_of(listed, fields)
    newest = last // INTERVAL_US * INTERVAL_US
    times = range(newest, first - 1, -INTERVAL_US)[: fields.limit(MOST_FUNDING, MOST_FUNDING)]
    rate = ppm_text(FUNDING_PPM)
    rows = [
        {"symbol": listed.name, "fundingRate": rate, "fundingRateTimestamp": str(at // 1_000)}
        for at in times
    ]
    return Result({"category": Category.LINEAR.value, "list": rows})


def interest(call: Call) -> Result:
    """Return the open interest as it is now: its past is not recorded."""
    listed = one(call.fields)
    step_us = call.fields.choice("intervalTime", STEPS_S) * 10**6
    _, last = span_of(listed, call.fields)
    lots = quantity_text(listed.lattice, open_interest(listed.instrument))
    rows = [{"openInterest": lots, "singleOpenInterest": lots,
             "timestamp": str(last // step_us * step_us // 1_000)}]  # fmt: skip
    return Result(page(rows, category=Category.LINEAR.value, symbol=listed.name))


def span_of(listed: Listed, fields: Fields) -> tuple[int, int]:
    """Return startTime and endTime in microseconds, the latter no later than the newest trade."""
    found = find_with_newest(listed.name, TRADES)
    newest = 0 if found is None or found[1] is None else found[1].at
    start, end = fields.moment("startTime"), fields.moment("endTime")
    last = newest if end is None else min(end, newest)
    return max(start or 0, last - MOST_FUNDING * INTERVAL_US, 1), last


def risk_limit(call: Call) -> Result:
    category = call.fields.category()
    rows: Rows = [
        row for each in chosen(call.fields, category) for row in instruments.risk_rows(each)
    ]
    return Result(page(rows, category=category.value))


def price_limit(call: Call) -> Result:
    return Result(instruments.price_limits(one(call.fields), call.now_ms))


def system_status(call: Call) -> Result:
    """Return planned maintenance: none is ever planned."""
    return Result({"list": []})


def one(fields: Fields) -> Listed:
    """Return the instrument that a request names; raise BybitError."""
    category = fields.category(Category.LINEAR)
    name = fields.required("symbol")
    if not category.is_served:
        raise parameter_error(f"category {category.value} has no instruments here: use linear")
    return find(name)


def chosen(fields: Fields, category: Category) -> list[Listed]:
    """Return the instruments of a category, symbol and base coin; raise BybitError."""
    if not category.is_served:
        return []
    if fields.has("symbol"):
        return [find(fields.text("symbol"))]
    base = fields.text("baseCoin")
    return [each for each in all_listed().values() if base in ("", each.symbol.base_coin)]
