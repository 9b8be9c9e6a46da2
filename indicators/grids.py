"""Where the windows of a span end, from a few index look-ups: no price is read.

A position is e.g. the seq of a tick, or the minute since 1970 at which a close is known. Windows
end at the multiples of `step`, whatever the span is: computations over overlapping spans agree.
"""

from datetime import datetime
from typing import NamedTuple, Self

import numpy as np

from indicators.estimate import IntArray
from indicators.readers import READERS
from indicators.windows import Points
from instruments.models import Instrument


class Grid(NamedTuple):
    """Windows end at `first`, `first + step` ... `last`; `size` is 0 where there is none."""

    first: int
    last: int
    step: int

    @property
    def size(self) -> int:
        return max(0, (self.last - self.first) // self.step + 1)

    def part(self, index: int, size: int) -> Self:
        """Return part number `index` of parts of `size` windows."""
        first = self.first + index * size * self.step
        return self._replace(first=first, last=min(self.last, first + (size - 1) * self.step))


def grid_between(
    instrument: Instrument,
    reads: str,
    n: int,
    step: int,
    start: datetime | None,
    end: datetime | None,
) -> Grid:
    """Return where windows of `n` stored points end at start <= t < end, `step` apart.

    A minute without a close is on the grid too, but no window ends there.
    """
    first, last = READERS[reads].window_ends(instrument, n, (start, end))
    return Grid(-(-first // step) * step, last // step * step, step)


def known_at(instrument: Instrument, reads: str, position: int) -> int:
    """Return the moment of a position (microseconds)."""
    return READERS[reads].known_at(instrument, position)


def positions(points: Points, reads: str) -> IntArray:
    return READERS[reads].positions(points)


def window_ends(points: Points, reads: str, n: int, grid: Grid) -> IntArray:
    """Return the indices of the points at which windows of `n` points end on the grid."""
    at = positions(points, reads)
    wanted = (at % grid.step == 0) & (at >= grid.first) & (at <= grid.last)
    wanted[: n - 1] = False
    return np.flatnonzero(wanted)
