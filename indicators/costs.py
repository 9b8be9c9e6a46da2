"""The cost of measures, estimated before a point is read.

A unit of work is about 2 ns of CPU. Reading a point costs 500; a window of n points costs n times
the number of its R/S windows (Hurst) or n x 15 (variance ratio). Entropy and persistence move on
from window to window at no more than the cost of reading. Measures of higher apps tell their own.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

POINT_WORK: Final = 500
MOST_WINDOWS: Final = 10_000
MOST_POINTS_READ: Final = 600_000
"""Of one request: a year of minutes."""
MOST_WORK: Final = 1_000_000_000
"""Of one request: about 2 s of CPU."""
EXPENSIVE_WORK: Final = 50_000_000
"""A request of more work is expensive: few of them run at a time."""
CHUNK_WINDOWS: Final = 5_000
CHUNK_POINTS: Final = 250_000
CHUNK_WORK: Final = 2_000_000_000

INCREMENTAL: Final = ("entropy", "persistence")


class Work(NamedTuple):
    """Units of work of a window, fixed and per point of it, and to read a point."""

    fixed: int
    per_point: int
    reading: int


REGISTERED: Final[dict[str, Work]] = {}
"""By the name of the indicator."""


class Cost(NamedTuple):
    """What a request reads and computes."""

    windows: int
    points: int
    work: int

    @property
    def excess(self) -> str | None:
        """The limit of one request that is exceeded, None where none is."""
        if self.points > MOST_POINTS_READ:
            return (
                f"{self.points:,} points would be read, one request may read {MOST_POINTS_READ:,}"
            )
        if self.work > MOST_WORK:
            return (
                f"{self.windows:,} windows would take {self.work:,} units of work, one request may "
                f"take {MOST_WORK:,}"
            )
        return None

    @property
    def is_expensive(self) -> bool:
        return self.work > EXPENSIVE_WORK


def window_work(indicator: str, parameters: Mapping[str, int | None]) -> int:
    """Return the units of work of one window, without reading it."""
    if indicator in INCREMENTAL:
        return 0
    n = parameters["n"] or 0
    if indicator in REGISTERED:
        return REGISTERED[indicator].fixed + n * REGISTERED[indicator].per_point
    return n * (parameters.get("num_windows") or 15)


def cost(
    indicator: str, parameters: Mapping[str, int | None], windows: int = 1, step: int = 1
) -> Cost:
    """Return the cost of `windows` windows, `step` points apart."""
    points = (parameters["n"] or 0) + (windows - 1) * step
    reading = REGISTERED[indicator].reading if indicator in REGISTERED else POINT_WORK
    work = windows * window_work(indicator, parameters) + points * reading
    return Cost(windows, points, work)


def chunk_windows(indicator: str, parameters: Mapping[str, int | None], step: int) -> int:
    """Return how many windows a chunk of a computation has: its work and memory are bounded."""
    by_work = CHUNK_WORK // max(1, window_work(indicator, parameters))
    by_points = (CHUNK_POINTS - (parameters["n"] or 0)) // step
    return max(1, min(CHUNK_WINDOWS, by_work, by_points))
