"""Points that measures read: the newest closes or ticks of an instrument, and their truth."""

from typing import Any, Final, NamedTuple

import numpy as np

from archive.database import fetch
from archive.scanning import scan
from archive.selections import Span
from indicators.estimate import IntArray
from instruments.models import Instrument
from market.timeframes import MICROSECONDS, TIMEFRAMES
from quotes.kinds import CANDLES, QUOTES

MINUTE_S: Final = TIMEFRAMES["1m"]
_DELAY: Final = {"closes": MINUTE_S * MICROSECONDS, "ticks": 0}
"""How long after its time a point is known: a close when its minute is over."""


class Points(NamedTuple):
    """Prices in ticks, when each was known (microseconds) and the seqs that they cover.

    A close is known when its minute is over; an open candle has none.
    """

    prices: IntArray
    known_at: IntArray
    first_seq: IntArray
    last_seq: IntArray

    def __len__(self) -> int:
        return self.prices.size

    def since(self, index: int) -> "Points":
        """Return the points from number `index` on."""
        return Points(*(column[index:] for column in self))


class Window(NamedTuple):
    """The newest points for a measure: their prices and what they cover."""

    prices: IntArray
    known_at: int
    first_seq: int
    last_seq: int


def newest_window(instrument: Instrument, reads: str, n: int, until: int | None) -> Window | None:
    """Return the newest `n` points known at `until` (microseconds; None: now), if any."""
    points = newest_points(instrument, reads, n, until)
    if len(points) == 0:
        return None
    last = int(points.known_at[-1]), int(points.first_seq[0]), int(points.last_seq[-1])
    return Window(points.prices, *last)


def newest_points(instrument: Instrument, reads: str, n: int, until: int | None = None) -> Points:
    """Return the newest `n` points known at `until` (microseconds; None: now), ascending."""
    end = None if until is None else until + 1 - _DELAY[reads]
    return _points(instrument, reads, span=Span(None, end), newest=True, limit=n)


def points_between(instrument: Instrument, reads: str, start: int, end: int) -> Points:
    """Return the points that became known at start <= t < end (microseconds), ascending."""
    delay = _DELAY[reads]
    return _points(instrument, reads, span=Span(start - delay, end - delay))


def _points(instrument: Instrument, reads: str, **which: Any) -> Points:
    if reads == "ticks":
        found = scan(QUOTES, instrument, **which)
        return Points(found["ticks"], found["at"], found["seq"], found["seq"])
    fields = ("close", "opened_at", "first_seq", "last_seq")
    found = scan(CANDLES, instrument, where={"timeframe": MINUTE_S}, fields=fields, **which)
    known_at = found["opened_at"] + _DELAY[reads]
    return Points(found["close"], known_at, found["first_seq"], found["last_seq"])


class Truth:
    """The regimes of an instrument, to ask for the mean phi of any window."""

    def __init__(self, instrument: Instrument, first_seq: int, last_seq: int) -> None:
        rows = fetch(
            "SELECT phi, first_seq FROM quotes_regime WHERE instrument_id = %s AND first_seq <= %s "
            "AND first_seq >= COALESCE((SELECT max(first_seq) FROM quotes_regime "
            "WHERE instrument_id = %s AND first_seq <= %s), 0) ORDER BY first_seq",
            (instrument.pk, last_seq, instrument.pk, first_seq),
        )
        self._phi = np.array([row[0] for row in rows])
        self._first = np.array([row[1] for row in rows], dtype=np.int64)

    def mean_phi(self, first_seq: IntArray, last_seq: IntArray) -> list[float | None]:
        """Return the mean phi over the ticks first_seq ... last_seq of each window.

        None where the law is not known: real data has none.
        """
        if self._phi.size == 0:
            return [None] * len(first_seq)
        # The sum of phi over all ticks before a seq grows linearly within a regime.
        before = np.concatenate([[0.0], np.cumsum(self._phi[:-1] * np.diff(self._first))])

        def sum_before(seq: IntArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
            at = np.searchsorted(self._first, seq, side="right") - 1
            return before[at] + self._phi[at] * (seq - self._first[at])  # type: ignore[no-any-return]

        first_seq, last_seq = np.asarray(first_seq), np.asarray(last_seq)
        means = (sum_before(last_seq + 1) - sum_before(first_seq)) / (last_seq + 1 - first_seq)
        known = first_seq >= self._first[0]
        return [
            float(mean) if is_known else None for mean, is_known in zip(means, known, strict=True)
        ]
