"""Aggregation of ticks into candles, and of candles into coarser candles."""

import numpy as np
from numpy.typing import NDArray

from market.ticks import Ticks
from market.timeframes import opened_at

CANDLE = np.dtype(
    [
        ("opened_at", np.int64),  # microseconds since 1970-01-01 UTC
        ("open", np.int64),  # prices in ticks
        ("high", np.int64),
        ("low", np.int64),
        ("close", np.int64),
        ("first_seq", np.int64),
        ("last_seq", np.int64),
        ("count", np.int64),
    ]
)
Candles = NDArray[np.void]


def from_ticks(ticks: Ticks, timeframe_s: int) -> Candles:
    """Return the candles, shape (k,), of one instrument's ascending `ticks`, shape (n,)."""
    pieces = np.empty(len(ticks), dtype=CANDLE)
    pieces["opened_at"] = ticks["at"]
    for name in ("open", "high", "low", "close"):
        pieces[name] = ticks["ticks"]
    pieces["first_seq"] = pieces["last_seq"] = ticks["seq"]
    pieces["count"] = 1
    return coarsen(pieces, timeframe_s)


def coarsen(pieces: Candles, timeframe_s: int) -> Candles:
    """Merge ascending finer candles, closed or open, into candles of `timeframe_s` seconds."""
    if len(pieces) == 0:
        return pieces
    times: NDArray[np.int64] = pieces["opened_at"]
    opened = opened_at(times, timeframe_s)
    first = np.flatnonzero(np.concatenate(([True], opened[1:] != opened[:-1])))
    last = np.concatenate((first[1:], [len(pieces)])) - 1
    candles = np.empty(len(first), dtype=CANDLE)
    candles["opened_at"] = opened[first]
    candles["open"] = pieces["open"][first]
    candles["high"] = np.maximum.reduceat(pieces["high"], first)
    candles["low"] = np.minimum.reduceat(pieces["low"], first)
    candles["close"] = pieces["close"][last]
    candles["first_seq"] = pieces["first_seq"][first]
    candles["last_seq"] = pieces["last_seq"][last]
    candles["count"] = np.add.reduceat(pieces["count"], first)
    return candles
