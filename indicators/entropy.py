"""Permutation entropy of Bandt & Pompe (2002) over ordinal patterns."""

from dataclasses import dataclass
from math import factorial, log, log2, sqrt
from operator import index
from typing import Final

import numpy as np

from indicators import entropy_nulls
from indicators.estimate import (
    Estimate,
    FloatArray,
    IntArray,
    Interval,
    IntMatrix,
    NumberArray,
    RefusedError,
    RollingEstimate,
)
from indicators.ordinal_patterns import count_parts, lexicographic_order, rolling_sums
from indicators.rolling import rolling_ends
from indicators.series import Series, comparable_series, length, ordered_series, refuse_not_finite
from indicators.threads import map_in_threads, workers_of

ORDERS: Final = range(2, 8)
BATCHES: Final = 32
"""Batches of vectors for the interval of the estimate."""
SMALLEST_BATCH: Final = 50
SMALLEST_CHUNK: Final = 2_048
"""Fewest vectors of a chunk: fewer are not worth a call."""
STUDENT_97_5: Final = 2.04
"""Quantile of Student's t with BATCHES - 1 degrees of freedom."""
VECTORS_PER_THREAD: Final = {2: 250_000, 3: 750_000, 4: 150_000, 5: 100_000, 6: 75_000, 7: 50_000}
"""By m, the fewest vectors per thread: for fewer, waking it costs more than it saves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntropyEstimate(Estimate):
    """`counts` of the patterns in the order of their permutations; `tie_rate`: share of vectors
    in which at least two values are equal; `walk_band`: the 95 % band of a random walk."""

    counts: IntArray | None = None
    tie_rate: float | None = None
    walk_band: Interval | None = None

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
    by index. At most `workers` threads (None: as many as processors) count `chunk_starts`
    vectors at a time (at least 2,048; None: equal shares); neither changes the result. Null band:
    white noise of the same length. Interval: for the entropy of an endless series, see _interval;
    None below 1,600 vectors.

    Raises ValueError for parameters out of range; a series that cannot be measured gives a
    reason instead of a value. Source: Bandt & Pompe, Phys. Rev. Lett. 88, 174102 (2002).
    """
    m, tau = _checked(m, tau)
    workers = workers_of(workers, "workers")
    chunk = _whole(chunk_starts, "chunk_starts") if chunk_starts is not None else None
    try:
        series = comparable_series(closes)
        vectors = _vectors(series.size, m, tau)
        workers = min(workers, max(1, vectors // VECTORS_PER_THREAD[m]))
        by_batch, tied = _count(series, vectors, m, tau, workers, chunk or -(-vectors // workers))
    except RefusedError as error:
        return EntropyEstimate(value=None, reason=str(error), n=length(closes))
    counts = by_batch.sum(axis=0)
    value = _normalised(counts)
    return EntropyEstimate(
        value=value,
        n=series.size,
        interval=_interval(value, counts, by_batch) if len(by_batch) == BATCHES else None,
        null_band=entropy_nulls.band(vectors, m),
        counts=counts,
        tie_rate=tied / vectors,
        walk_band=entropy_nulls.walk_band(vectors, m, tau),
    )


def rolling_entropy(
    closes: Series, window: int, step: int = 1, m: int = 3, tau: int = 1
) -> RollingEstimate:
    """Return the entropy of every window of `window` closes, `step` apart, O(1) per close.

    Raises RefusedError for a series without a whole window or that cannot be measured.
    """
    m, tau = _checked(m, tau)
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


def _checked(m: int, tau: int) -> tuple[int, int]:
    if (order := _whole(m, "m")) not in ORDERS:
        raise ValueError(f"m {m}: use {ORDERS.start} to {ORDERS.stop - 1}")
    return order, _whole(tau, "tau")


def _whole(value: int, name: str) -> int:
    """Return a parameter that is a count."""
    try:
        number = index(value)
    except TypeError:
        raise ValueError(f"{name} {value!r}: use a whole number") from None
    if number < 1:
        raise ValueError(f"{name} {value}: use 1 or more")
    return number


def _vectors(n: int, m: int, tau: int) -> int:
    if n <= (m - 1) * tau:
        raise RefusedError(
            f"{n} closes are too few: m = {m}, tau = {tau} need at least {(m - 1) * tau + 1}"
        )
    return n - (m - 1) * tau


def _count(
    series: NumberArray, vectors: int, m: int, tau: int, workers: int, chunk: int
) -> tuple[IntMatrix, int]:
    """Return the counts of each batch of vectors (batches x m!, lexicographic), and how many
    vectors tie. Threads count chunks, which may hold parts of several batches."""
    batches = BATCHES if vectors >= BATCHES * SMALLEST_BATCH else 1
    limits = np.arange(batches + 1) * vectors // batches
    chunk = max(chunk, SMALLEST_CHUNK)

    def count_chunk(begin: int) -> tuple[int, IntMatrix, int]:
        end = min(begin + chunk, vectors)
        first, last = np.searchsorted(limits, [begin, end - 1], side="right") - 1
        bounds = np.concatenate([[begin], limits[first + 1 : last + 1], [end]])
        rows = np.zeros((bounds.size - 1, factorial(m)), np.int64)
        ties = int(count_parts(series, bounds, m, tau, rows))
        if ties < 0:
            refuse_not_finite(series)
        return first, rows, ties

    by_code = np.zeros((batches, factorial(m)), np.int64)
    tied = 0
    for first, rows, ties in map_in_threads(count_chunk, range(0, vectors, chunk), workers):
        by_code[first : first + len(rows)] += rows
        tied += ties
    return by_code[:, lexicographic_order(m)], tied


def _normalised(counts: IntArray) -> float:
    p = counts[counts > 0] / int(counts.sum())
    return min(1.0, max(0.0, -float(p @ np.log(p)) / log(counts.size)))


def _interval(value: float, counts: IntArray, by_batch: IntMatrix) -> Interval:
    """Return the 95 % interval by batch means of -log p(pattern), the terms of the entropy.

    Counts of finite series are less even than their law, which makes the entropy too small: by
    chi-squared of as many degrees of freedom as patterns but one, over 2 N log(m!) (Miller 1955).
    """
    total, largest = int(counts.sum()), log(counts.size)
    surprise: FloatArray = -np.log(np.maximum(counts, 1) / total) / largest
    # einsum, because @ may wake the threads of a BLAS, which takes longer than the sum.
    off = np.einsum("ij,j", by_batch, surprise) / by_batch.sum(axis=1) - value
    variance = float(off @ off) / (BATCHES - 1) / BATCHES
    freedom, unit = int(np.count_nonzero(counts)) - 1, 2 * total * largest
    center = value + freedom / unit
    half = STUDENT_97_5 * sqrt(variance + 2 * freedom / unit**2)
    return max(0.0, min(value, center - half)), min(1.0, max(value, center + half))
