"""What the measures read: the newest closes or ticks of an instrument, and the truth of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from indicators.estimate import IntArray
from instruments.models import Instrument
from quotes.models import quote_id
from quotes.scans import fetch
from quotes.timeframes import MICROSECONDS, TIMEFRAMES

MINUTE_S = TIMEFRAMES["1m"]


class Points(NamedTuple):
    """Prices in ticks, when each was known (microseconds) and the seqs that they cover.

    A close is known when its minute is over; an open candle has none.
    """

    prices: IntArray
    known_at: IntArray
    first_seq: IntArray
    last_seq: IntArray

    def __len__(self) -> int:  # type: ignore[override]
        return self.prices.size


def newest_points(instrument: Instrument, reads: str, n: int, until: int | None = None) -> Points:
    """Return the newest `n` points known at `until` (microseconds; None: now), ascending."""
    if reads == "ticks":
        return _ticks(instrument, None, until, n)
    return _closes(instrument, None, until, n)


def points_between(instrument: Instrument, reads: str, start: int, end: int) -> Points:
    """Return the points that became known at start <= t < end (microseconds), ascending."""
    read = _ticks if reads == "ticks" else _closes
    return read(instrument, start, end - 1, None)


def _closes(
    instrument: Instrument, start: int | None, until: int | None, most: int | None
) -> Points:
    minute = MINUTE_S * MICROSECONDS
    where = "instrument_id = %s AND timeframe = %s"
    parameters = [instrument.pk, MINUTE_S]
    if start is not None:
        where += " AND opened_at >= %s"
        parameters.append(start - minute)
    if until is not None:
        where += " AND opened_at <= %s"
        parameters.append(until - minute)
    rows = fetch(
        f"SELECT close, opened_at, first_seq, last_seq FROM quotes_candle WHERE {where} "  # noqa: S608
        f"ORDER BY opened_at DESC{'' if most is None else ' LIMIT %s'}",
        parameters if most is None else [*parameters, most],
    )
    close, opened_at, first_seq, last_seq = _columns(rows, 4)
    return Points(close, opened_at + minute, first_seq, last_seq)


def _ticks(
    instrument: Instrument, start: int | None, until: int | None, most: int | None
) -> Points:
    where, order = "id > %s AND id < %s", "id"
    parameters = [quote_id(instrument.pk, 0), quote_id(instrument.pk + 1, 0)]
    if start is not None or until is not None:  # by time, for which there is another index
        where, order = "instrument_id = %s", "at"
        parameters = [instrument.pk]
    if start is not None:
        where += " AND at >= %s"
        parameters.append(start)
    if until is not None:
        where += " AND at <= %s"
        parameters.append(until)
    rows = fetch(
        f"SELECT ticks, at, seq FROM quotes_quote WHERE {where} "  # noqa: S608
        f"ORDER BY {order} DESC{'' if most is None else ' LIMIT %s'}",
        parameters if most is None else [*parameters, most],
    )
    ticks, at, seq = _columns(rows, 3)
    return Points(ticks, at, seq, seq)


def _columns(rows: Sequence[Sequence[int]], width: int) -> IntArray:
    """Return the columns of `rows`, which come newest first, in ascending order."""
    table = np.array(rows, dtype=np.int64).reshape(-1, width)
    return np.ascontiguousarray(table[::-1].T)  # type: ignore[return-value]


class Truth:
    """The regimes of an instrument, to ask for the mean phi of any window."""

    def __init__(self, instrument: Instrument, first_seq: int, last_seq: int) -> None:
        rows = fetch(
            "SELECT phi, first_seq FROM quotes_regime WHERE instrument_id = %s "
            "AND first_seq <= %s AND (last_seq >= %s OR last_seq IS NULL) ORDER BY first_seq",
            (instrument.pk, last_seq, first_seq),
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
        return [float(mean) if told else None for mean, told in zip(means, known, strict=True)]
