"""Points that measures read, windows of them, and the mean phi over such windows."""

from typing import Any, NamedTuple

import numpy as np

from archive.database import fetch
from indicators.estimate import IntArray
from instruments.models import Instrument


class Points(NamedTuple):
    """What measures read, when each was known (microseconds) and the seqs of quotes that it covers.

    `values`: prices in ticks, or rows with several fields, shape (n,).
    """

    values: np.ndarray[Any, Any]
    known_at: IntArray
    first_seq: IntArray
    last_seq: IntArray

    def __len__(self) -> int:
        return len(self.values)

    def since(self, index: int) -> "Points":
        """Return the points from number `index` on."""
        return Points(*(column[index:] for column in self))


class Window(NamedTuple):
    """The newest points for a measure: their values and what they cover."""

    values: np.ndarray[Any, Any]
    known_at: int
    first_seq: int
    last_seq: int


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
            return before[at] + self._phi[at] * (seq - self._first[at])  # type: ignore[no-any-return]  # Any in NumPy's stubs

        first_seq, last_seq = np.asarray(first_seq), np.asarray(last_seq)
        means = (sum_before(last_seq + 1) - sum_before(first_seq)) / (last_seq + 1 - first_seq)
        known = first_seq >= self._first[0]
        return [
            float(mean) if is_known else None for mean, is_known in zip(means, known, strict=True)
        ]
