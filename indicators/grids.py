"""Where the windows of a span end, from a few index look-ups: no price is read.

A position is the seq of a tick, or the minute since 1970 at which a close is known. Windows end at
the multiples of `step`, whatever the span is: computations over overlapping spans agree.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

import numpy as np

from indicators.estimate import IntArray
from indicators.windows import MINUTE_S, Points
from instruments.models import Instrument
from market.keys import row_key
from market.timeframes import MICROSECONDS
from market.times import to_microseconds
from quotes.models import Candle, Quote

MINUTE_US = MINUTE_S * MICROSECONDS
MINUTE = timedelta(seconds=MINUTE_S)
EARLIEST = datetime.min.replace(tzinfo=UTC) + MINUTE


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
    find = _ticks if reads == "ticks" else _closes
    first, last = find(instrument, n, start, end)
    return Grid(-(-first // step) * step, last // step * step, step)


def known_at(instrument: Instrument, reads: str, position: int) -> int:
    """Return the moment of a position (microseconds)."""
    if reads == "closes":
        return position * MINUTE_US
    quotes = Quote.objects.filter(pk=row_key(instrument.pk, position))
    return to_microseconds(quotes.values_list("at", flat=True).get())


def positions(points: Points, reads: str) -> IntArray:
    return points.last_seq if reads == "ticks" else points.known_at // MINUTE_US


def window_ends(points: Points, reads: str, n: int, grid: Grid) -> IntArray:
    """Return the indices of the points at which windows of `n` points end on the grid."""
    at = positions(points, reads)
    wanted = (at % grid.step == 0) & (at >= grid.first) & (at <= grid.last)
    wanted[: n - 1] = False
    return np.flatnonzero(wanted)


def _ticks(
    instrument: Instrument, n: int, start: datetime | None, end: datetime | None
) -> tuple[int, int]:
    quotes = Quote.objects.between(instrument, start, end).values_list("seq", flat=True)
    return max(n, quotes.first() or 0), quotes.last() or 0


def _closes(
    instrument: Instrument, n: int, start: datetime | None, end: datetime | None
) -> tuple[int, int]:
    candles = Candle.objects.of(instrument, MINUTE_S)
    oldest = list(candles.values_list("opened_at", flat=True)[n - 1 : n])
    if not oldest:
        return 1, 0
    opened = (None if moment is None else max(moment, EARLIEST) - MINUTE for moment in (start, end))
    known = candles.between(*opened).values_list("opened_at", flat=True)
    first, last = known.first(), known.last()
    if first is None or last is None:
        return 1, 0
    return _minute(max(first, oldest[0])), _minute(last)


def _minute(opened_at: datetime) -> int:
    """Return the minute at which a candle is closed."""
    return to_microseconds(opened_at) // MINUTE_US + 1
