"""Tickers: the last day of an instrument in one row."""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Sum

from archive.database import fetch
from archive.instruments import find_with_newest
from exchange.accounts.loading import marks
from exchange.clearing.funding import FUNDING_PPM, INTERVAL_US
from exchange.engine.messages import BUY, SELL
from exchange.kinds import TRADE_CANDLES, TRADES
from exchange.models import Position
from market.timeframes import MICROSECONDS, TIMEFRAMES, opened_at
from venues.bybit.listed import Listed
from venues.bybit.market.books import best_of, book_of
from venues.bybit.market.cached import Cached
from venues.bybit.numbers import (
    optional_price,
    ppm_text,
    quantity_text,
    ratio_text,
    value_text,
)

FRESH_S: Final = 0.1
MINUTE_S: Final = TIMEFRAMES["1m"]
DAY_US: Final = 86_400 * MICROSECONDS
HOUR_US: Final = 3_600 * MICROSECONDS
CONSTANT: Final = {
    "predictedDeliveryPrice": "",
    "basisRate": "",
    "basis": "",
    "basisRateYear": "",
    "deliveryFeeRate": "",
    "deliveryTime": "0",
    "preOpenPrice": "",
    "preQty": "",
    "curPreListingPhase": "",
    "fundingIntervalHour": str(INTERVAL_US // HOUR_US),
    "fundingCap": ppm_text(FUNDING_PPM),
    "fundingRate": ppm_text(FUNDING_PPM),
}


@dataclass(frozen=True)
class Day:
    """What traded within 24 hours up to `at`: prices in ticks, `value` in ticks * lots."""

    at: int
    last: int
    day_ago: int
    hour_ago: int
    high: int
    low: int
    volume: int
    value: int


def ticker(listed: Listed) -> dict[str, Any]:
    """Return the ticker of an instrument, at most FRESH_S old."""
    return _tickers.get(listed)


def _ticker(listed: Listed) -> dict[str, Any]:
    lattice, day = listed.lattice, last_day(listed)
    stored = book_of(listed)  # one book for both sides, which it may not cross
    (bid, bid_lots), (ask, ask_lots) = best_of(stored, BUY), best_of(stored, SELL)
    mark = mark_of(listed) or day.last
    interest = open_interest(listed)
    shown_mark = optional_price(lattice, mark)
    return {
        **CONSTANT,
        "symbol": listed.name,
        "lastPrice": optional_price(lattice, day.last or mark),
        "indexPrice": shown_mark,
        "markPrice": shown_mark,
        "prevPrice24h": optional_price(lattice, day.day_ago),
        "price24hPcnt": ratio_text(day.last - day.day_ago, day.day_ago),
        "highPrice24h": optional_price(lattice, day.high),
        "lowPrice24h": optional_price(lattice, day.low),
        "prevPrice1h": optional_price(lattice, day.hour_ago),
        "openInterest": quantity_text(lattice, interest),
        "openInterestValue": value_text(lattice, interest * mark),
        "singleOpenInterest": quantity_text(lattice, interest),
        "singleOpenInterestValue": value_text(lattice, interest * mark),
        "turnover24h": value_text(lattice, day.value),
        "volume24h": quantity_text(lattice, day.volume),
        "nextFundingTime": str((day.at // INTERVAL_US + 1) * INTERVAL_US // 1_000),
        "bid1Price": optional_price(lattice, bid),
        "bid1Size": quantity_text(lattice, bid_lots),
        "ask1Price": optional_price(lattice, ask),
        "ask1Size": quantity_text(lattice, ask_lots),
    }


def last_day(listed: Listed) -> Day:
    """Return what traded in the 24 hours before the newest trade, to the minute."""
    found = find_with_newest(listed.name, TRADES)
    if found is None or found[1] is None:
        return Day(0, 0, 0, 0, 0, 0, 0, 0)
    at = found[1].at
    minute, since = int(opened_at(at, MINUTE_S)), at - DAY_US
    high, low, volume, value = merged(
        _candles(listed.key, since, minute), _trades(listed.key, minute)
    )
    last = _last_ticks(listed.key)
    day_ago = _price_before(listed.key, since) or _first_price(listed.key) or last
    return Day(
        at, last, day_ago, _price_before(listed.key, at - HOUR_US) or day_ago,
        high or last, low or last, volume, value,
    )  # fmt: skip


def mark_of(listed: Listed) -> int:
    """Return the mark price in ticks, the newest quote; 0 if there is none."""
    return marks([listed.key]).get(listed.key, 0)


def open_interest(listed: Listed) -> int:
    """Return the lots of all long positions of accounts."""
    longs = Position.objects.filter(instrument=listed.key, lots__gt=0)
    return longs.aggregate(lots=Sum("lots"))["lots"] or 0


Sums = tuple[int, int, int, int]


def merged(first: Sums, second: Sums) -> Sums:
    """Return the highest, the lowest, the volume and the value of two stretches."""
    lows = [low for low in (first[1], second[1]) if low]
    return (
        max(first[0], second[0]),
        min(lows, default=0),
        first[2] + second[2],
        first[3] + second[3],
    )


def _candles(key: int, since: int, until: int) -> Sums:
    return _sums(
        "SELECT max(high), min(low), sum(volume), sum(volume * (open + high + low + close) / 4) "  # noqa: S608
        f"FROM {TRADE_CANDLES.table} "
        "WHERE instrument_id = %s AND timeframe = %s AND opened_at > %s AND opened_at < %s",
        [key, MINUTE_S, since, until],
    )


def _trades(key: int, since: int) -> Sums:
    return _sums(
        f"SELECT max(ticks), min(ticks), sum(lots), sum(ticks * lots) FROM {TRADES.table} "  # noqa: S608
        "WHERE instrument_id = %s AND at >= %s",
        [key, since],
    )


def _sums(sql: str, parameters: list[int]) -> Sums:
    ((high, low, volume, value),) = fetch(sql, parameters)
    return int(high or 0), int(low or 0), int(volume or 0), int(value or 0)


def _last_ticks(key: int) -> int:
    sql = (
        f"SELECT ticks FROM {TRADES.table} WHERE instrument_id = %s "  # noqa: S608
        "ORDER BY at DESC, id DESC LIMIT 1"
    )
    return int(fetch(sql, [key])[0][0])


def _first_price(key: int) -> int:
    """Return the first price of all, for a history of less than a day; 0 if there is none."""
    found = fetch(
        f"SELECT open FROM {TRADE_CANDLES.table} "  # noqa: S608
        "WHERE instrument_id = %s AND timeframe = %s ORDER BY opened_at LIMIT 1",
        [key, MINUTE_S],
    )
    return int(found[0][0]) if found else 0


def _price_before(key: int, at: int) -> int:
    """Return the last price before a moment, to the minute; 0 if nothing had traded."""
    found = fetch(
        f"SELECT close FROM {TRADE_CANDLES.table} "  # noqa: S608
        "WHERE instrument_id = %s AND timeframe = %s AND opened_at <= %s "
        "ORDER BY opened_at DESC LIMIT 1",
        [key, MINUTE_S, at - MINUTE_S * MICROSECONDS],
    )
    return int(found[0][0]) if found else 0


_tickers: Final = Cached(_ticker, FRESH_S)
