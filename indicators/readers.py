"""Where measures read their points: closes, ticks, and what higher apps register."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from archive.rangescans import scan
from archive.selections import Span
from indicators.catalogue import Indicator, Value
from indicators.estimate import IntArray
from indicators.windows import Points, Truth, Window
from instruments.models import Instrument
from market.keys import row_key
from market.timeframes import MICROSECONDS, TIMEFRAMES
from market.times import to_microseconds
from quotes.kinds import CANDLES, QUOTES
from quotes.models import Candle, Quote

MINUTE_S: Final = TIMEFRAMES["1m"]
MINUTE_US: Final = MINUTE_S * MICROSECONDS
MINUTE: Final = timedelta(seconds=MINUTE_S)
EARLIEST: Final = datetime.min.replace(tzinfo=UTC) + MINUTE

Bounds = tuple[datetime | None, datetime | None]
Measures = Sequence[tuple[Indicator, Mapping[str, Value]]]
"""Measures that read the same points, with their parameters."""


class Reader(ABC):
    """Reads the points of the measures whose `reads` names it.

    A point has a position, a whole number that grows from point to point: windows of runs end at
    its multiples.
    """

    are_numbers = True
    """Whether a point is one number, so that windows can be measured together as a matrix."""
    of_books = False
    """Whether only instruments with a book have points."""
    truth_name = "mean_phi"
    """What `truths` returns, as the API calls it."""

    @abstractmethod
    def newest(self, instrument: Instrument, n: int, until: int | None) -> Points:
        """Return the newest `n` points known at `until` (microseconds; None: now), ascending."""

    @abstractmethod
    def between(self, instrument: Instrument, start: int, end: int) -> Points:
        """Return the points that became known at start <= t < end (microseconds), ascending."""

    @abstractmethod
    def positions(self, points: Points) -> IntArray: ...

    @abstractmethod
    def known_at(self, instrument: Instrument, position: int) -> int:
        """Return when the point at a position was known (microseconds)."""

    @abstractmethod
    def window_ends(self, instrument: Instrument, n: int, span: Bounds) -> tuple[int, int]:
        """Return the first and the last position at which a window of `n` points ends in `span`.

        From index look-ups alone; (1, 0) or any other first > last where there is none.
        """

    def truths(
        self, measures: Measures, instrument: Instrument, first_seq: IntArray, last_seq: IntArray
    ) -> list[list[float | None]]:
        """Return, for each measure, the true value of each window of quotes first_seq ... last_seq.

        There is at least one window; both bounds ascend.
        """
        truth = Truth(instrument, int(first_seq[0]), int(last_seq[-1]))
        return [truth.mean_phi(first_seq, last_seq)] * len(measures)


class RecordReader(Reader):
    """Reads a point per record of one stream, known `known_after_us` after the record's time."""

    known_after_us = 0

    def newest(self, instrument: Instrument, n: int, until: int | None) -> Points:
        span = Span(None, None if until is None else until + 1 - self.known_after_us)
        return self._points(instrument, span=span, newest=True, limit=n)

    def between(self, instrument: Instrument, start: int, end: int) -> Points:
        span = Span(start - self.known_after_us, end - self.known_after_us)
        return self._points(instrument, span=span)

    @abstractmethod
    def _points(self, instrument: Instrument, **which: Any) -> Points:
        """Return the points of the records that `archive.rangescans.scan` finds."""


class Ticks(RecordReader):
    """The price of each quote; a position is its seq."""

    def _points(self, instrument: Instrument, **which: Any) -> Points:
        found = scan(QUOTES, instrument, **which)
        return Points(found["ticks"], found["at"], found["seq"], found["seq"])

    def positions(self, points: Points) -> IntArray:
        return points.last_seq

    def known_at(self, instrument: Instrument, position: int) -> int:
        quotes = Quote.objects.filter(pk=row_key(instrument.pk, position))
        return to_microseconds(quotes.values_list("at", flat=True).get())

    def window_ends(self, instrument: Instrument, n: int, span: Bounds) -> tuple[int, int]:
        quotes = Quote.objects.between(instrument, *span).values_list("seq", flat=True)
        return max(n, quotes.first() or 0), quotes.last() or 0


class Closes(RecordReader):
    """The close of each minute, known when it is over; a position is that minute since 1970."""

    known_after_us = MINUTE_US

    def _points(self, instrument: Instrument, **which: Any) -> Points:
        fields = ("close", "opened_at", "first_seq", "last_seq")
        minutes = {"timeframe": MINUTE_S}
        found = scan(CANDLES, instrument, where=minutes, fields=fields, **which)
        known_at = found["opened_at"] + MINUTE_US
        return Points(found["close"], known_at, found["first_seq"], found["last_seq"])

    def positions(self, points: Points) -> IntArray:
        return points.known_at // MINUTE_US

    def known_at(self, instrument: Instrument, position: int) -> int:
        return position * MINUTE_US

    def window_ends(self, instrument: Instrument, n: int, span: Bounds) -> tuple[int, int]:
        candles = Candle.objects.of(instrument, MINUTE_S)
        oldest = list(candles.values_list("opened_at", flat=True)[n - 1 : n])
        if not oldest:
            return 1, 0
        opened = (None if moment is None else max(moment, EARLIEST) - MINUTE for moment in span)
        known = candles.between(*opened).values_list("opened_at", flat=True)
        first, last = known.first(), known.last()
        if first is None or last is None:
            return 1, 0
        return _minute(max(first, oldest[0])), _minute(last)


def _minute(opened_at: datetime) -> int:
    """Return the minute at which a candle is closed."""
    return to_microseconds(opened_at) // MINUTE_US + 1


READERS: Final[dict[str, Reader]] = {"closes": Closes(), "ticks": Ticks()}
"""By what the entries of the catalogue read."""


def register(name: str, reader: Reader) -> None:
    """Add the points of a higher app; measures that read them go into the catalogue."""
    if name in READERS:
        raise ValueError(f"there is a reader of {name!r} already")
    READERS[name] = reader


def newest_window(instrument: Instrument, reads: str, n: int, until: int | None) -> Window | None:
    """Return the newest `n` points known at `until` (microseconds; None: now), if any."""
    points = newest_points(instrument, reads, n, until)
    if len(points) == 0:
        return None
    last = int(points.known_at[-1]), int(points.first_seq[0]), int(points.last_seq[-1])
    return Window(points.values, *last)


def newest_points(instrument: Instrument, reads: str, n: int, until: int | None = None) -> Points:
    """Return the newest `n` points known at `until` (microseconds; None: now), ascending."""
    return READERS[reads].newest(instrument, n, until)


def points_between(instrument: Instrument, reads: str, start: int, end: int) -> Points:
    """Return the points that became known at start <= t < end (microseconds), ascending."""
    return READERS[reads].between(instrument, start, end)


def truths_of(measures: Measures, instrument: Instrument, window: Window) -> list[float | None]:
    """Return the true value of a window for each of `measures`."""
    reader = READERS[measures[0][0].reads]
    first, last = np.array([window.first_seq]), np.array([window.last_seq])
    return [truths[0] for truths in reader.truths(measures, instrument, first, last)]
