"""Aggregation of ticks and trades into candles, and of candles into coarser candles."""

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

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
TRADE_CANDLE = np.dtype(
    [
        *CANDLE.descr,
        ("volume", np.int64),  # lots
        ("buy_volume", np.int64),  # of aggressive buys
    ]
)
SUMS: Final = ("count", "volume", "buy_volume")
"""Fields of a candle that are the sum of those of its pieces."""
Candles = NDArray[np.void]


class Fields(Protocol):
    """Records by field: a structured array, or an array per field."""

    def __len__(self) -> int: ...
    def __getitem__(self, name: str, /) -> NDArray[Any]: ...


def of_ticks(ticks: Fields) -> Candles:
    """Return a candle of each tick; fields seq, at, ticks."""
    return _singles(ticks, CANDLE)


def of_trades(trades: Fields) -> Candles:
    """Return a candle of each trade; fields seq, at, ticks, lots, side (1, -1)."""
    candles = _singles(trades, TRADE_CANDLE)
    candles["volume"] = trades["lots"]
    candles["buy_volume"] = np.where(trades["side"] > 0, trades["lots"], 0)
    return candles


def _singles(records: Fields, dtype: np.dtype[np.void]) -> Candles:
    candles = np.empty(len(records), dtype=dtype)
    candles["opened_at"] = records["at"]
    for name in ("open", "high", "low", "close"):
        candles[name] = records["ticks"]
    candles["first_seq"] = candles["last_seq"] = records["seq"]
    candles["count"] = 1
    return candles


def from_ticks(ticks: Fields, timeframe_s: int) -> Candles:
    """Return the candles, shape (k,), of one instrument's ascending `ticks`, shape (n,)."""
    return coarsen(of_ticks(ticks), timeframe_s)


def coarsen(pieces: Candles, timeframe_s: int) -> Candles:
    """Merge ascending finer candles, closed or open, into candles of `timeframe_s` seconds."""
    if len(pieces) == 0:
        return pieces
    times: NDArray[np.int64] = pieces["opened_at"]
    opened = opened_at(times, timeframe_s)
    first = np.flatnonzero(np.concatenate(([True], opened[1:] != opened[:-1])))
    last = np.concatenate((first[1:], [len(pieces)])) - 1
    candles = np.empty(len(first), dtype=pieces.dtype)
    candles["opened_at"] = opened[first]
    candles["open"] = pieces["open"][first]
    candles["high"] = np.maximum.reduceat(pieces["high"], first)
    candles["low"] = np.minimum.reduceat(pieces["low"], first)
    candles["close"] = pieces["close"][last]
    candles["first_seq"] = pieces["first_seq"][first]
    candles["last_seq"] = pieces["last_seq"][last]
    for name in SUMS:
        if name in (pieces.dtype.names or ()):
            candles[name] = np.add.reduceat(pieces[name], first)
    return candles
