"""Hurst exponent by rescaled range (R/S) over log-spaced windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from indicators import hurst_nulls
from indicators.estimate import Estimate, FloatArray, IntArray, RefusedError, RollingEstimate
from indicators.expected_range import peters
from indicators.rescaled_range import LONGEST, are_coins, mean_and_drift, rolling_mean_rs
from indicators.rolling import rolling_ends
from indicators.series import Series, check_whole, finite_series, length, read_only, scaled
from indicators.threads import map_in_threads, processors, workers_of

FEWEST_WINDOWS: Final = 5
PARALLEL_INCREMENTS: Final = 50_000
"""From so many increments on threads take part: below, starting them costs more than it saves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HurstEstimate(Estimate):
    """`rs[i]` is the mean R/S of the chunks of `windows[i]` increments."""

    windows: IntArray | None = None
    rs: FloatArray | None = None


def hurst_exponent(
    closes: Series,
    min_points: int = 500,
    min_window: int = 10,
    max_window: int | None = None,
    num_windows: int = 20,
    num_workers: int | None = None,
    corrected: bool = False,
) -> HurstEstimate:
    """Return the slope of log mean R/S over log window, of the increments of `closes`.

    `num_windows` sizes, log-spaced from `min_window` to `max_window` (None: half of the
    increments), none over 2^31 - 1; per size the mean of R/S over its whole chunks, S the
    population standard deviation, chunks with S = 0 left out. `corrected` divides by the R/S that
    a series without memory has (Anis & Lloyd, with Peters' factor) and adds 0.5. At most
    `num_workers` threads.

    Null band: no memory, same n and windows; increments of a coin where all are of one size,
    normal ones otherwise. Interval: see hurst_nulls.interval. Raises ValueError for parameters
    out of range; a series that cannot be measured gives a reason instead of a value. Sources:
    Hurst (1951); Mandelbrot & Wallis (1969); Anis & Lloyd (1976); Peters (1994).
    """
    _check(min_points, min_window, max_window, num_windows)
    workers = workers_of(num_workers, "num_workers")
    try:
        path = scaled(finite_series(closes))
        n = path.size - 1
        sizes = _windows(n, min_points, min_window, max_window, num_windows)
        longer = _windows(hurst_nulls.LONGER * n, min_points, min_window, max_window, num_windows)
        return _measure(path, sizes, corrected, workers, tuple(longer.tolist()))
    except RefusedError as error:
        return HurstEstimate(value=None, reason=str(error), n=max(0, length(closes) - 1))


def hurst_of_increments(
    increments: Series, windows: Sequence[int], corrected: bool = False
) -> HurstEstimate:
    """Return the estimate for a series that is increments already, over given window sizes."""
    try:
        x = scaled(finite_series(increments))
        sizes = np.unique(np.array(windows, dtype=np.int64))
        largest = min(x.size, LONGEST)
        if sizes.size == 0 or sizes[0] < 2 or sizes[-1] > largest:
            raise ValueError(f"windows {list(windows)}: use sizes from 2 to {largest}")
        path = read_only(np.concatenate([[0.0], np.cumsum(x - x.mean())]))
        return _measure(path, sizes, corrected, workers=1)
    except RefusedError as error:
        return HurstEstimate(value=None, reason=str(error), n=length(increments))


def rolling_hurst(
    closes: Series,
    window: int,
    step: int = 1,
    min_points: int = 500,
    min_window: int = 10,
    max_window: int | None = None,
    num_windows: int = 20,
    corrected: bool = False,
) -> RollingEstimate:
    """Return the exponent of every window of `window` closes, `step` apart.

    A chunk that two windows share is computed once. Raises RefusedError for a series without a
    whole window or that cannot be measured.
    """
    _check(min_points, min_window, max_window, num_windows)
    check_whole(window=window, step=step)
    path = scaled(finite_series(closes))
    ends = rolling_ends(path.size, window, step)
    sizes = _windows(window - 1, min_points, min_window, max_window, num_windows)
    means = np.empty((sizes.size, ends.size))

    def measure(row: int) -> None:
        rolling_mean_rs(path, window, ends, sizes[row], means[row])

    map_in_threads(measure, range(sizes.size), processors())
    found = means > 0
    x = np.log(sizes)[:, None]
    y = np.log(np.where(found, means, 1.0))
    if corrected:
        y -= np.log([peters(int(size)) for size in sizes])[:, None]
    count = found.sum(axis=0)
    valid = count >= FEWEST_WINDOWS
    center = np.where(found, x, 0).sum(axis=0) / np.maximum(count, 1)
    deviations = np.where(found, x - center, 0)
    squares = (deviations**2).sum(axis=0)
    slopes = (deviations * y).sum(axis=0) / np.where(valid, squares, 1)
    values = np.where(valid, slopes + (0.5 if corrected else 0.0), 0.0)
    return RollingEstimate(window=window, ends=ends, values=values, valid=valid)


def hurst_windows(
    n: int, min_points: int, min_window: int, max_window: int | None, num_windows: int
) -> tuple[int, ...] | None:
    """Return the window sizes that `n` increments are measured over; None for too few."""
    _check(min_points, min_window, max_window, num_windows)
    try:
        return tuple(_windows(n, min_points, min_window, max_window, num_windows).tolist())
    except RefusedError:
        return None


def _check(min_points: int, min_window: int, max_window: int | None, num_windows: int) -> None:
    check_whole(min_points=min_points, min_window=min_window, num_windows=num_windows)
    if max_window is not None:
        check_whole(max_window=max_window)
    if min_points < 1:
        raise ValueError(f"min_points {min_points}: use 1 or more")
    if min_window < 2:
        raise ValueError(f"min_window {min_window}: use 2 or more")
    if max_window is not None and max_window < min_window:
        raise ValueError(f"max_window {max_window}: use at least min_window, {min_window}")
    if num_windows < FEWEST_WINDOWS:
        raise ValueError(f"num_windows {num_windows}: use {FEWEST_WINDOWS} or more")


def _windows(
    n: int, min_points: int, min_window: int, max_window: int | None, num_windows: int
) -> IntArray:
    """Return the window sizes for `n` increments; refuse a series that is too short."""
    if n < min_points:
        raise RefusedError(f"{max(n, 0)} increments are too few: at least {min_points} are needed")
    largest = min(n // 2 if max_window is None else min(max_window, n), LONGEST)
    if largest < min_window:
        raise RefusedError(f"no window from {min_window} to {largest} fits {n} increments")
    return _spaced(min_window, largest, num_windows)


@lru_cache(maxsize=1024)
def _spaced(smallest: int, largest: int, count: int) -> IntArray:
    spaced = np.geomspace(smallest, largest, count)
    sizes: IntArray = np.unique((spaced + 1e-9).astype(np.int64))  # an exact power stays one
    sizes.setflags(write=False)
    return sizes


def _measure(
    path: FloatArray,
    sizes: IntArray,
    corrected: bool,
    workers: int,
    longer: tuple[int, ...] | None = None,
) -> HurstEstimate:
    def measure(size: int) -> tuple[float, float]:
        return mean_and_drift(path, size)

    at_once = 1 if path.size < PARALLEL_INCREMENTS else workers
    rs, drifts = np.array(map_in_threads(measure, sizes.tolist(), at_once)).T
    found = rs > 0
    windows, rs = sizes[found], rs[found]
    if windows.size < FEWEST_WINDOWS:
        if windows.size == 0:
            raise RefusedError("the increments are constant in every window: there is no R/S")
        raise RefusedError(
            f"only {windows.size} windows have an R/S: at least {FEWEST_WINDOWS} are needed"
        )
    key = tuple(windows.tolist())
    y = np.log(rs)
    if corrected:
        y -= np.log([peters(size) for size in key])
    value = float(hurst_nulls.slope_weights(key) @ y) + (0.5 if corrected else 0.0)
    n, coins = path.size - 1, bool(are_coins(path))
    drift = float(drifts[found][0])  # of the shortest window, which has the most chunks
    return HurstEstimate(
        value=value,
        n=n,
        interval=hurst_nulls.interval(value, n, key, corrected, coins, drift, longer),
        null_band=hurst_nulls.null_band(n, key, corrected, coins),
        windows=windows,
        rs=rs,
    )
