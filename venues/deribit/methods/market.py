"""Public methods of markets."""

from collections.abc import Callable
from typing import Any, Final

from archive.selections import Span
from exchange.clearing.funding import FUNDING_PPM, INTERVAL_US
from market.quoting import quoted
from venues.deribit import numbers
from venues.deribit.contracts import ANY
from venues.deribit.errors import Code, RpcError, invalid
from venues.deribit.listed import Listed, all_listed, find, index, indexes, of_currency
from venues.deribit.market import instruments, trades
from venues.deribit.market.charts import chart
from venues.deribit.market.tickers import DEEPEST, order_book, summary, ticker
from venues.deribit.methods.calls import Call
from venues.deribit.params import Params
from venues.deribit.resolutions import RESOLUTIONS
from venues.doors.days import mark_of

KINDS: Final = {"any": True, "future": True, "option": False, "spot": False,
                "future_combo": False, "option_combo": False, "combo": False}  # fmt: skip
"""Kinds of instruments -> whether there are any here."""
MOST_TRADES: Final = 1_000
MOST_SEQ: Final = 2**40
SORTINGS: Final = ("default", "asc", "desc")


def get_currencies(call: Call) -> list[dict[str, Any]]:
    return [instruments.currency_row(each) for each in instruments.currencies()]


def get_instruments(call: Call) -> list[dict[str, Any]]:
    rows = [instruments.instrument_row(each) for each in chosen(call.params)]
    return [] if call.params.flag("expired") else rows


def get_instrument(call: Call) -> dict[str, Any]:
    return instruments.instrument_row(one(call))


def get_contract_size(call: Call) -> dict[str, float]:
    return {"contract_size": numbers.amount(one(call).lattice, 1)}


def get_ticker(call: Call) -> dict[str, Any]:
    return ticker(one(call))


def get_order_book(call: Call) -> dict[str, Any]:
    return order_book(one(call), call.params.whole("depth", 1, DEEPEST, 5))


def get_order_book_by_instrument_id(call: Call) -> dict[str, Any]:
    wanted = call.params.whole("instrument_id", 1, 2**31)
    for each in all_listed().values():
        if each.key == wanted:
            return order_book(each, call.params.whole("depth", 1, DEEPEST, 5))
    raise RpcError(Code.NOT_FOUND, f"{wanted} does not exist", "instrument_id")


def get_book_summary_by_instrument(call: Call) -> list[dict[str, Any]]:
    return [summary(one(call), call.now_ms)]


def get_book_summary_by_currency(call: Call) -> list[dict[str, Any]]:
    call.params.required("currency")
    return [summary(each, call.now_ms) for each in chosen(call.params)]


def get_index_price(call: Call) -> dict[str, float]:
    price = index_price(index(call.params.required("index_name")))
    return {"index_price": price, "estimated_delivery_price": price}


def get_index(call: Call) -> dict[str, float]:
    """Return the index of a coin in dollars, as of old."""
    coin = call.params.required("currency").upper()
    price = index_price(index(f"{coin.lower()}_usd"))
    return {coin: price, "edp": price}


def index_price(listed: Listed) -> float:
    mark = mark_of(listed.instrument)
    if not mark:
        raise RpcError(Code.RETRY, f"{listed.symbol} has no quotes yet")
    return numbers.price(listed.lattice, mark)


def get_index_price_names(call: Call) -> list[Any]:
    if not call.params.flag("extended"):
        return list(indexes())
    return [
        {"name": name, "future_combo_creation_enabled": False,
         "option_combo_creation_enabled": False}
        for name in indexes()
    ]  # fmt: skip


def get_last_trades_by_instrument(call: Call) -> dict[str, Any]:
    """Return trades by number, or by time if a timestamp is given; the newest first."""
    params, listed = call.params, one(call)
    if params.has("start_timestamp") or params.has("end_timestamp"):
        return trades_by_time(listed, params)
    first, last = number(params, "start_seq"), number(params, "end_seq")
    rows, has_more = trades.numbered(listed, first, last, count_of(params))
    return page(rows, params, has_more=has_more)


def get_last_trades_by_instrument_and_time(call: Call) -> dict[str, Any]:
    for name in ("start_timestamp", "end_timestamp"):
        call.params.required(name)
    return trades_by_time(one(call), call.params)


def trades_by_time(listed: Listed, params: Params) -> dict[str, Any]:
    """Return the newest trades of a span; the oldest if they are wanted ascending."""
    span, count = span_of(params), count_of(params)
    is_ascending = sorting(params) == "asc"
    read: Callable[..., Any] = trades.oldest if is_ascending else trades.newest
    rows, has_more = read(listed, count, span)
    return page(rows, params, has_more=has_more)


def get_last_trades_by_currency(call: Call) -> dict[str, Any]:
    """Return the newest trades of all instruments of a currency."""
    call.params.required("currency")
    return trades_of(chosen(call.params), call.params, Span())


def get_last_trades_by_currency_and_time(call: Call) -> dict[str, Any]:
    for name in ("currency", "start_timestamp", "end_timestamp"):
        call.params.required(name)
    return trades_of(chosen(call.params), call.params, span_of(call.params))


def trades_of(listed: list[Listed], params: Params, span: Span) -> dict[str, Any]:
    """Return the newest trades of a span; the oldest if they are wanted ascending from a moment."""
    count, is_from = count_of(params), sorting(params) == "asc" and span.start is not None
    read: Callable[..., Any] = trades.oldest if is_from else trades.newest
    found = [read(each, count, span) for each in listed]
    rows = sorted((row for rows, _ in found for row in rows), key=moment_of)
    has_more = len(rows) > count or any(more for _, more in found)
    return page(rows[:count] if is_from else rows[-count:], params, has_more=has_more)


def moment_of(row: dict[str, Any]) -> tuple[int, int]:
    return row["timestamp"], row["trade_seq"]


def page(rows: list[dict[str, Any]], params: Params, *, has_more: bool) -> dict[str, Any]:
    """Return ascending rows in the order that is wanted."""
    ordered = rows if sorting(params) == "asc" else rows[::-1]
    return {"trades": ordered, "has_more": has_more}


def sorting(params: Params) -> str:
    return params.choice("sorting", {name: name for name in SORTINGS}, "default")


def count_of(params: Params, most: int = MOST_TRADES) -> int:
    return params.whole("count", 1, most, 10)


def number(params: Params, name: str) -> int | None:
    return params.whole(name, 1, MOST_SEQ) if params.has(name) else None


def span_of(params: Params) -> Span:
    """Return start_timestamp to end_timestamp, both inclusive; raise RpcError."""
    start, end = params.moment("start_timestamp"), params.moment("end_timestamp")
    if start is not None and end is not None and end < start:
        raise invalid("end_timestamp", "is before start_timestamp")
    return Span(start, None if end is None else end + 1_000)


def get_tradingview_chart_data(call: Call) -> dict[str, Any]:
    params, listed = call.params, one(call)
    span = span_of(params)
    if span.start is None or span.end is None:
        raise invalid("start_timestamp", "start_timestamp and end_timestamp are required")
    resolution = params.choice("resolution", {name: name for name in RESOLUTIONS})
    return chart(listed, resolution, span.start, span.end - 1)


def get_funding_rate_value(call: Call) -> float:
    """Return the funding of a span: the rate is constant, and paid every 8 hours."""
    one(call)
    span = span_of(call.params)
    if span.start is None or span.end is None:
        raise invalid("start_timestamp", "start_timestamp and end_timestamp are required")
    payments = (span.end - 1) // INTERVAL_US - (span.start - 1) // INTERVAL_US
    return numbers.rate(FUNDING_PPM * payments)


def one(call: Call) -> Listed:
    """Return the instrument that a request names; raise RpcError."""
    return find(call.params.required("instrument_name"))


def chosen(params: Params) -> list[Listed]:
    """Return the instruments that currency and kind select; raise RpcError."""
    currency = params.text("currency", ANY)
    known = {*instruments.COIN_NAMES, *instruments.currencies(), ANY.upper(), "USDT", "EURR"}
    if currency.upper() not in known:
        raise invalid("currency", f"{quoted(currency)} is not one of {', '.join(sorted(known))}")
    return of_currency(currency) if params.choice("kind", KINDS, KINDS["any"]) else []
