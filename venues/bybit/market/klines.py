"""Candles, the newest first, in all intervals of Bybit.

Intervals that are not stored are made of the longest ones that divide them.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

import numpy as np

from archive.instruments import find_with_newest
from exchange.kinds import CANDLES_OF_TRADES
from market.aggregations import Aggregation
from market.candles import Candles, coarsen
from market.timeframes import MICROSECONDS, SECONDS, TIMEFRAMES, opened_at
from market.times import from_microseconds, to_microseconds
from quotes.kinds import QUOTE_CANDLES
from venues.bybit.listed import Listed
from venues.bybit.numbers import price_text, quantity_text, value_text
from venues.doors.candles import fine_candles

MONTH: Final = "M"
DAY_S: Final = TIMEFRAMES["1d"]
INTERVALS: Final[Mapping[str, int]] = {
    **{str(minutes): 60 * minutes for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": DAY_S,
    "W": TIMEFRAMES["1w"],
    MONTH: 31 * DAY_S,  # the longest
}
"""Name -> length in seconds."""
Row = list[str]


def trade_klines(
    listed: Listed, interval: str, start: int | None, end: int | None, limit: int
) -> list[Row]:
    """Return candles of trades that open within [start, end] (microseconds).

    Volume is in the base coin. Turnover is the volume at the mean of open, high, low and close.
    """
    found = candles(listed, interval, start, end, limit, CANDLES_OF_TRADES)
    return [
        [
            *row,
            quantity_text(listed.lattice, volume),
            value_text(listed.lattice, volume * four // 4),
        ]
        for row, volume, four in zip(
            price_rows(listed, found), found["volume"].tolist(), sums_of_prices(found), strict=True
        )
    ]


def mark_klines(
    listed: Listed, interval: str, start: int | None, end: int | None, limit: int
) -> list[Row]:
    """Return candles of the mark price, which is also the index: without volume."""
    return price_rows(listed, candles(listed, interval, start, end, limit, QUOTE_CANDLES))


def premium_klines(
    listed: Listed, interval: str, start: int | None, end: int | None, limit: int
) -> list[Row]:
    """Return candles of the premium of mark over index, which is 0."""
    rows = mark_klines(listed, interval, start, end, limit)
    return [[at, "0", "0", "0", "0"] for at, *_ in rows]


def price_rows(listed: Listed, found: Candles) -> list[Row]:
    prices = [found[name].tolist() for name in ("open", "high", "low", "close")]
    return [
        [str(at // 1_000), *(price_text(listed.lattice, ticks) for ticks in row)]
        for at, *row in zip(found["opened_at"].tolist(), *prices, strict=True)
    ]


def sums_of_prices(found: Candles) -> list[int]:
    total = found["open"] + found["high"] + found["low"] + found["close"]
    return [int(each) for each in total]


def candles(
    listed: Listed,
    interval: str,
    start: int | None,
    end: int | None,
    limit: int,
    of: Aggregation,
) -> Candles:
    """Return at most `limit` candles, the newest first.

    With a start alone, the first ones from there; otherwise the newest ones up to the end.
    """
    found = find_with_newest(listed.name, of.kind)
    if found is None or found[1] is None:
        return np.empty(0, of.dtype)
    newest = found[1]
    length_s, open_of = INTERVALS[interval], opening(interval)
    last = open_of(newest.at if end is None else min(end, newest.at))
    span = limit * length_s * MICROSECONDS
    if start is None or (end is not None and last - span > start):
        first = open_of(max(0, last - span))
    else:
        first = start
    pieces = fine_candles(listed.instrument, finest(interval), first, last, length_s, newest, of)
    merged = merge(pieces, interval)
    merged = merged[merged["opened_at"] >= (first if start is None else start)]
    chosen = merged[:limit] if start is not None and end is None else merged[-limit:]
    return chosen[::-1]


def finest(interval: str) -> int:
    """Return the longest stored timeframe that divides an interval, in seconds."""
    if interval == MONTH:
        return DAY_S
    length = INTERVALS[interval]
    return length if length in SECONDS else max(each for each in SECONDS if length % each == 0)


def merge(pieces: Candles, interval: str) -> Candles:
    """Return the candles of an interval that ascending finer ones make."""
    if interval != MONTH:
        return coarsen(pieces, INTERVALS[interval])
    months = [month_of(at) for at in pieces["opened_at"].tolist()]
    starts = [0, *(i for i in range(1, len(months)) if months[i] != months[i - 1]), len(months)]
    parts = []
    for low, high in pairwise(starts):
        if low < high:
            merged = coarsen(pieces[low:high], 10**6 * DAY_S)  # into one
            merged["opened_at"] = months[low]
            parts.append(merged)
    return np.concatenate(parts) if parts else pieces


def opening(interval: str) -> Callable[[int], int]:
    """Return the function from a moment to the opening of the candle that contains it."""
    if interval == MONTH:
        return month_of
    length = INTERVALS[interval]
    return lambda at: int(opened_at(at, length))


def month_of(at: int) -> int:
    """Return when the month of a moment began."""
    moment = from_microseconds(at)
    return to_microseconds(datetime(moment.year, moment.month, 1, tzinfo=UTC))
