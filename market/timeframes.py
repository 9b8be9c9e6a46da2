"""The eight timeframes and the opening times of their candles."""

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

At = TypeVar("At", int, NDArray[np.int64])

MICROSECONDS: Final = 1_000_000

TIMEFRAMES: Final[dict[str, int]] = {
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "4h": 14_400,
    "1d": 86_400,
    "1w": 604_800,
}
"""Name -> length in seconds, ascending; each is a whole multiple of the previous one."""

SECONDS: Final[tuple[int, ...]] = tuple(TIMEFRAMES.values())

WEEK_OFFSET_S: Final = 4 * 86_400
"""Weeks open on Monday 00:00 UTC, and 1970-01-01 was a Thursday."""


def opening_offset_s(timeframe_s: int) -> int:
    return WEEK_OFFSET_S if timeframe_s == TIMEFRAMES["1w"] else 0


def opened_at(at: At, timeframe_s: int) -> At:
    """Return the opening time of the candle that contains `at` (microseconds since 1970 UTC)."""
    offset = opening_offset_s(timeframe_s) * MICROSECONDS
    length = timeframe_s * MICROSECONDS
    return (at - offset) // length * length + offset
