"""Tilings of spans by candles, the longest that fit. Pure."""

from typing import NamedTuple

from market.timeframes import MICROSECONDS, SECONDS, opened_at


class Tile(NamedTuple):
    """Whole candles of one timeframe: start <= opened_at < end, microseconds."""

    timeframe_s: int
    start: int
    end: int


def tiles(start: int, end: int, timeframes: tuple[int, ...] = SECONDS) -> list[Tile]:
    """Return the tiles of a span that begins and ends with a minute, ascending.

    Neighbours may have the same timeframe; there are at most two of each.
    """
    if start >= end:
        return []
    *finer, longest = timeframes
    first, last = next_opening(start, longest), opened_at(end, longest)
    if first < last:
        tile = Tile(longest, first, last)
        return [*tiles(start, first, tuple(finer)), tile, *tiles(last, end, tuple(finer))]
    return tiles(start, end, tuple(finer))


def next_opening(at: int, timeframe_s: int) -> int:
    """Return the first opening of a candle at or after a moment."""
    return opened_at(at + timeframe_s * MICROSECONDS - 1, timeframe_s)
