"""What the measures read: the newest closes or ticks of an instrument, and the truth of them."""

from typing import Final, NamedTuple

import numpy as np

from archive.scans import fetch, integers, listed
from indicators.estimate import IntArray
from instruments.models import Instrument
from market.timeframes import MICROSECONDS, TIMEFRAMES

MINUTE_S: Final = TIMEFRAMES["1m"]
COLUMNS: Final = {
    "closes": ("close", "opened_at", "first_seq", "last_seq"),
    "ticks": ("ticks", "at", "seq AS first_seq", "seq AS last_seq"),
}
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

    def __len__(self) -> int:  # type: ignore[override]
        return self.prices.size


class Window(NamedTuple):
    """The newest points as a measure wants them: prices, and what they cover."""

    prices: IntArray
    known_at: int
    first_seq: int
    last_seq: int


def newest_window(instrument: Instrument, reads: str, n: int, until: int | None) -> Window | None:
    """Return the newest `n` points known at `until` (microseconds; None: now), if any."""
    sql, parameters = _select(instrument, reads, None, until, n)
    price, known_at = COLUMNS[reads][:2]
    row = fetch(
        f"SELECT {listed(price)}, max({known_at}), min(first_seq), max(last_seq) "  # noqa: S608
        f"FROM ({sql}) AS newest",
        parameters,
    )[0]
    if row[0] is None:
        return None
    return Window(integers(row[0])[::-1].copy(), row[1] + _DELAY[reads], row[2], row[3])


def newest_points(instrument: Instrument, reads: str, n: int, until: int | None = None) -> Points:
    """Return the newest `n` points known at `until` (microseconds; None: now), ascending."""
    return _points(instrument, reads, None, until, n)


def points_between(instrument: Instrument, reads: str, start: int, end: int) -> Points:
    """Return the points that became known at start <= t < end (microseconds), ascending."""
    return _points(instrument, reads, start, end - 1, None)


def _points(
    instrument: Instrument, reads: str, start: int | None, until: int | None, most: int | None
) -> Points:
    rows = fetch(*_select(instrument, reads, start, until, most))
    table = np.array(rows, dtype=np.int64).reshape(-1, len(COLUMNS[reads]))
    prices, at, first_seq, last_seq = np.ascontiguousarray(table[::-1].T)
    return Points(prices, at + _DELAY[reads], first_seq, last_seq)


def _select(
    instrument: Instrument, reads: str, start: int | None, until: int | None, most: int | None
) -> tuple[str, list[int]]:
    """Return the SELECT of COLUMNS of the points known at start <= t <= until, newest first."""
    if reads == "ticks":
        table, where, parameters, time = "quotes_quote", "instrument_id = %s", [instrument.pk], "at"
    else:
        table, where, time = (
            "quotes_candle",
            "instrument_id = %s AND timeframe = %s",
            "opened_at",
        )
        parameters = [instrument.pk, MINUTE_S]
    if start is not None:
        where += f" AND {time} >= %s"
        parameters.append(start - _DELAY[reads])
    if until is not None:
        where += f" AND {time} <= %s"
        parameters.append(until - _DELAY[reads])
    sql = f"SELECT {', '.join(COLUMNS[reads])} FROM {table} WHERE {where} ORDER BY {time} DESC"  # noqa: S608
    return (sql, parameters) if most is None else (f"{sql} LIMIT %s", [*parameters, most])


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
        return [float(mean) if told else None for mean, told in zip(means, known, strict=True)]
