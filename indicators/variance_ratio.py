"""Variance ratio test of Lo & MacKinlay (1988)."""

from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

import numpy as np

from indicators.estimate import (
    Estimate,
    FloatArray,
    FloatMatrix,
    IntArray,
    Interval,
    RefusedError,
    RollingEstimate,
)
from indicators.quantiles import NORMAL_97_5, student_97_5
from indicators.rolling import rolling_ends
from indicators.series import Series, check_whole, finite_series, length, scaled

ROUNDING: Final = 4 * np.finfo(np.float64).eps
MOST_PARTS: Final = 20
FEWEST_PARTS: Final = 5
HORIZONS_PER_PART: Final = 5
"""Fewest q-increments in each part of a series that the interval compares."""
BLOCK: Final = 1 << 18
"""Increments per block of the sums of a long series."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VarianceRatioEstimate(Estimate):
    """`z`: robust to changing variance; normal for a series without memory. `q`: the horizon."""

    z: float | None = None
    q: int = 2


def variance_ratio(closes: Series, q: int = 2) -> VarianceRatioEstimate:
    """Return VR(q): the variance of q-increments over q times that of increments.

    1 without memory, above 1 with persistence, below 1 with mean reversion. Overlapping
    q-increments, both variances unbiased. The null band and z use the standard error of a series
    without memory, robust to heteroskedasticity; the interval has the spread between parts of the
    series (batch means), so it holds with memory too. None below 25 q increments.

    Raises ValueError for q below 2. Source: Lo & MacKinlay, Review of Financial Studies 1 (1988).
    """
    check_whole(q=q)
    if q < 2:
        raise ValueError(f"q {q}: use 2 or more")
    try:
        path = scaled(finite_series(closes))
        n = path.size - 1
        if n < 4 * q:
            raise RefusedError(f"{max(n, 0)} increments are too few: q = {q} needs {4 * q}")
        ones, manys, products = _sums(path, q)
        one, many = float(ones.sum()), float(manys.sum())
        if sqrt(one / n) <= ROUNDING * float(max(path.max(), -path.min())):
            raise RefusedError("the increments are constant: there is no variance")
    except RefusedError as error:
        return VarianceRatioEstimate(
            value=None, reason=str(error), n=max(0, length(closes) - 1), q=q
        )
    value = many / (q * (n - q + 1) * (1 - q / n)) / (one / (n - 1))
    deviation = sqrt(_robust_variance(products / one**2, q))
    half = NORMAL_97_5 * deviation
    return VarianceRatioEstimate(
        value=value,
        n=n,
        interval=_interval(value, ones, manys),
        null_band=(max(0.0, 1 - half), 1 + half),
        z=(value - 1) / deviation if deviation > 0 else None,
        q=q,
    )


def rolling_variance_ratio(
    closes: Series, window: int, step: int = 1, q: int = 2
) -> RollingEstimate:
    """Return VR(q) of every window of `window` closes, `step` apart.

    Raises RefusedError for a series without a whole window or that cannot be measured.
    """
    check_whole(window=window, step=step, q=q)
    if q < 2:
        raise ValueError(f"q {q}: use 2 or more")
    if window - 1 < 4 * q:
        raise RefusedError(f"{window - 1} increments are too few: q = {q} needs {4 * q}")
    path = scaled(finite_series(closes))
    ends = rolling_ends(path.size, window, step)
    windows = np.lib.stride_tricks.sliding_window_view(path, window)[::step]
    values = np.concatenate([_ratios(part, q) for part in _parts(windows)])
    return RollingEstimate(window=window, ends=ends, values=values, valid=values > 0)


def _sums(path: FloatArray, q: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return, per part of the series, the sums of squared deviations of the increments and of the
    q-increments that begin in it; and per lag below q the sum of products of the former.

    Block by block, so that a long series needs no copies of its length.
    """
    n = path.size - 1
    mean = (path[-1] - path[0]) / n
    parts = max(1, min(MOST_PARTS, n // (HORIZONS_PER_PART * q)))
    begins = np.arange(parts) * n // parts
    ones, manys, products = np.zeros(parts), np.zeros(parts), np.zeros(q)
    block = max(BLOCK, q)
    for start in range(0, n, block):
        part = path[start : start + block + q]
        squares = (np.diff(part) - mean) ** 2
        own = squares[:block]
        _add(ones, begins - start, own)
        _add(manys, begins - start, (part[q:] - part[:-q] - q * mean) ** 2)
        for lag in range(1, q):
            # einsum, because @ may wake the threads of a BLAS, which takes longer than the sum.
            later = squares[lag : lag + own.size]
            products[lag] += np.einsum("i,i", later, own[: later.size])
    return ones, manys, products


def _add(sums: FloatArray, begins: IntArray, terms: FloatArray) -> None:
    """Add the terms to the sums of their parts, which begin at term begins[i]; some before 0."""
    if terms.size == 0:
        return
    first = int(np.searchsorted(begins, 0, side="right")) - 1
    last = int(np.searchsorted(begins, terms.size))
    cuts = np.maximum(begins[first:last], 0)
    sums[first:last] += np.add.reduceat(terms, cuts)


def _interval(value: float, ones: FloatArray, manys: FloatArray) -> Interval | None:
    """Return the 95 % interval of a ratio of means, from its logarithm in the parts."""
    if ones.size < FEWEST_PARTS:
        return None
    off = manys / manys.sum() - ones / ones.sum()
    variance = float(off @ off) * ones.size / (ones.size - 1)
    reach = exp(student_97_5(ones.size - 1) * sqrt(variance))
    return value / reach, value * reach


def _parts(
    windows: FloatMatrix,
) -> list[FloatMatrix]:
    """Return the windows in parts of a few megabytes, which are copied when measured."""
    rows = max(1, 1_000_000 // windows.shape[1])
    return [windows[start : start + rows] for start in range(0, windows.shape[0], rows)]


def _ratios(paths: FloatMatrix, q: int) -> FloatArray:
    """Return VR(q) of each row; 0 where the variance is only rounding error."""
    n = paths.shape[1] - 1
    mean = (paths[:, -1:] - paths[:, :1]) / n
    one = ((np.diff(paths, axis=1) - mean) ** 2).sum(axis=1) / (n - 1)
    scale = q * (n - q + 1) * (1 - q / n)
    many = ((paths[:, q:] - paths[:, :-q] - q * mean) ** 2).sum(axis=1) / scale
    varies = np.sqrt(one) > ROUNDING * np.abs(paths).max(axis=1)
    ratios: FloatArray = np.where(varies, many / np.where(varies, one, 1.0), 0.0)
    return ratios


def _robust_variance(deltas: FloatArray, q: int) -> float:
    """Return the variance of VR(q) whatever the variances of the single increments are."""
    lags = np.arange(1, q)
    return float(((2 * (q - lags) / q) ** 2 * deltas[1:]).sum())
