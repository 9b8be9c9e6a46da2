"""Permutation entropy of Bandt & Pompe (2002) over ordinal patterns."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial, log, log2
from typing import Final

import numpy as np

from indicators import entropy_nulls
from indicators.estimate import (
    Estimate,
    FloatArray,
    IntArray,
    Interval,
    NumberArray,
    RefusedError,
    RollingEstimate,
)
from indicators.ordinal_patterns import count, count_triples, lexicographic_order, rolling_sums
from indicators.rolling import rolling_ends
from indicators.series import Series, ordered_series
from indicators.threads import threads, workers_of

ORDERS: Final = range(2, 8)
BATCHES: Final = 32
"""Into so many parts the vectors are split for the interval of the estimate."""
SMALLEST_BATCH: Final = 50
STUDENT_97_5: Final = 2.04
"""Quantile of Student's t with BATCHES - 1 degrees of freedom."""
PARALLEL_VECTORS: Final = 200_000
"""From so many vectors on threads take part: below, starting them costs more than it saves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntropyEstimate(Estimate):
    """`counts` of the patterns in the order of their permutations; `tie_rate`: share of vectors
    in which at least two values are equal."""

    counts: IntArray | None = None
    tie_rate: float | None = None

    @property
    def bits(self) -> float | None:
        """The entropy before it is normalised, in bits per pattern."""
        if self.value is None or self.counts is None:
            return None
        return self.value * log2(self.counts.size)


def permutation_entropy(
    closes: Series,
    m: int = 3,
    tau: int = 1,
    workers: int | None = None,
    chunk_starts: int | None = None,
) -> EntropyEstimate:
    """Return the normalised permutation entropy, -sum(p log p) / log(m!), in [0, 1].

    p: shares of the ordinal patterns of (x[i], x[i + tau], ..., x[i + (m - 1) tau]), ties broken
    by index. `chunk_starts` vectors are counted at a time (None: a 32nd of all), by at most
    `workers` threads. Null band: white noise of the same length. Interval: normal, from the
    spread of the entropy's terms between the 32 parts of the series.

    Raises ValueError for parameters out of range; a series that cannot be measured gives a
    reason instead of a value. Source: Bandt & Pompe, Phys. Rev. Lett. 88, 174102 (2002).
    """
    _check(m, tau)
    if chunk_starts is not None and chunk_starts < 1:
        raise ValueError(f"chunk_starts {chunk_starts}: use 1 or more, or None")
    workers = workers_of(workers, "workers")
    try:
        series = ordered_series(closes)
        vectors = _vectors(series.size, m, tau)
    except RefusedError as error:
        return EntropyEstimate(value=None, reason=str(error), n=np.size(closes))
    batches = BATCHES if vectors >= BATCHES * SMALLEST_BATCH else 1
    bounds = np.linspace(0, vectors, batches + 1).astype(int).tolist()
    if chunk_starts is not None:
        bounds = [*range(0, vectors, chunk_starts), vectors]
    by_chunk, tied = _count_chunks(series, bounds, m, tau, workers)
    counts = by_chunk.sum(axis=0)
    return EntropyEstimate(
        value=_normalised(counts),
        n=series.size,
        interval=_interval(by_chunk) if len(by_chunk) == BATCHES else None,
        null_band=entropy_nulls.band(vectors, m),
        counts=counts,
        tie_rate=tied / vectors,
    )


def rolling_entropy(
    closes: Series, window: int, step: int = 1, m: int = 3, tau: int = 1
) -> RollingEstimate:
    """Return the entropy of every window of `window` closes, `step` apart, O(1) per close.

    Raises RefusedError for a series without a whole window or that cannot be measured.
    """
    _check(m, tau)
    series = ordered_series(closes)
    vectors = _vectors(window, m, tau)
    ends = rolling_ends(series.size, window, step)
    # c log c in whole units, small enough that no sum leaves 64 bits.
    unit = 2.0**61 / (vectors * log(vectors) + 1)
    c = np.arange(vectors + 1, dtype=np.float64)
    c_log_c = c * np.log(np.maximum(c, 1))
    terms = np.rint(c_log_c * unit).astype(np.int64)
    sums = np.zeros(ends.size, np.int64)
    rolling_sums(series, vectors, step, m, tau, factorial(m), terms, sums)
    values = (log(vectors) - sums / unit / vectors) / log(factorial(m))
    return RollingEstimate(
        window=window,
        ends=ends,
        values=np.clip(values, 0.0, 1.0),
        valid=np.ones(ends.size, dtype=np.bool_),
    )


def _check(m: int, tau: int) -> None:
    if m not in ORDERS:
        raise ValueError(f"m {m}: use {ORDERS.start} to {ORDERS.stop - 1}")
    if tau < 1:
        raise ValueError(f"tau {tau}: use 1 or more")


def _vectors(n: int, m: int, tau: int) -> int:
    if n <= (m - 1) * tau:
        raise RefusedError(
            f"{n} closes are too few: m = {m}, tau = {tau} need at least {(m - 1) * tau + 1}"
        )
    return n - (m - 1) * tau


def _count_chunks(
    series: NumberArray, bounds: Sequence[int], m: int, tau: int, workers: int
) -> tuple[IntArray, int]:
    """Return the counts of each chunk (chunks x m!, lexicographic) and how many vectors tie."""
    by_code = np.zeros((len(bounds) - 1, factorial(m)), np.int64)

    def count_chunk(chunk: int) -> int:
        begin, end = bounds[chunk], bounds[chunk + 1]
        if m == 3:
            return int(count_triples(series, begin, end, tau, by_code[chunk]))
        return int(count(series, begin, end, m, tau, by_code[chunk]))

    chunks = range(len(bounds) - 1)
    if workers == 1 or bounds[-1] < PARALLEL_VECTORS:
        tied = sum(map(count_chunk, chunks))
    else:
        groups = [chunks[start::workers] for start in range(workers)]
        tied = sum(threads().map(lambda group: sum(map(count_chunk, group)), groups))
    return by_code[:, lexicographic_order(m)], tied


def _normalised(counts: IntArray) -> float:
    p = counts[counts > 0] / counts.sum()
    return min(1.0, max(0.0, float(-(p * np.log(p)).sum()) / log(counts.size)))


def _interval(by_batch: IntArray) -> Interval:
    """Return the 95 % interval by batch means of -log p(pattern), the terms of the entropy."""
    counts = by_batch.sum(axis=0)
    seen = counts > 0
    surprise: FloatArray = -np.log(counts[seen] / counts.sum()) / log(counts.size)
    means = by_batch[:, seen] @ surprise / by_batch.sum(axis=1)
    half = STUDENT_97_5 * float(means.std(ddof=1)) / BATCHES**0.5
    value = _normalised(counts)
    return max(0.0, value - half), min(1.0, value + half)
