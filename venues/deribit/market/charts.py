"""Candles of trades, as columns."""

from typing import Any, Final

import numpy as np

from archive.instruments import find_with_newest
from exchange.kinds import CANDLES_OF_TRADES
from market.candles import Candles, coarsen
from market.timeframes import MICROSECONDS, SECONDS, opened_at
from venues.deribit import numbers
from venues.deribit.listed import Listed
from venues.deribit.resolutions import RESOLUTIONS
from venues.doors.candles import fine_candles

MOST: Final = 5_001
PRICES: Final = ("open", "high", "low", "close")


def chart(listed: Listed, resolution: str, start: int, end: int) -> dict[str, Any]:
    """Return the candles that open within [start, end] (microseconds), at most the newest MOST.

    `volume` is in the base coin, `cost` that volume at the mean of open, high, low and close.
    """
    found, lattice = candles(listed, resolution, start, end), listed.lattice
    sums = np.add.reduce([found[name] for name in PRICES])
    return {
        "status": "ok" if len(found) else "no_data",
        "ticks": (found["opened_at"] // 1_000).tolist(),
        **{name: lattice.numbers(found[name]).tolist() for name in PRICES},
        "volume": lattice.quantities.numbers(found["volume"]).tolist(),
        "cost": [
            numbers.notional(lattice, int(volume) * int(four) // 4)
            for volume, four in zip(found["volume"], sums, strict=True)
        ],
    }


def candles(listed: Listed, resolution: str, start: int, end: int, most: int = MOST) -> Candles:
    """Return the newest `most` candles of trades that open within [start, end], ascending."""
    of, length_s = CANDLES_OF_TRADES, RESOLUTIONS[resolution]
    found = find_with_newest(listed.symbol, of.kind)
    if found is None or found[1] is None or end < start:
        return np.empty(0, of.dtype)
    length, newest = length_s * MICROSECONDS, found[1]
    last = int(opened_at(min(end, newest.at), length_s))
    first = max(-(-start // length) * length, last - (most - 1) * length)
    if last < first:
        return np.empty(0, of.dtype)
    pieces = fine_candles(listed.instrument, finest(length_s), first, last, length_s, newest, of)
    merged = coarsen(pieces, length_s) if len(pieces) else pieces
    return merged[merged["opened_at"] >= first]


def finest(length_s: int) -> int:
    """Return the longest stored timeframe that divides a length, in seconds."""
    return max(each for each in SECONDS if length_s % each == 0)
