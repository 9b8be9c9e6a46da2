"""Rescaled range R/S: the kernels.

They read the path (the closes), never the increments: within a chunk that begins at path[s] the
cumulative deviation from the mean is path[s + j] - path[s] - j * mean, so there is nothing to
accumulate and no copy of the series is made.
"""

import numpy as np
from numba import njit

from indicators.estimate import FloatArray, FloatMatrix, IntArray

LANES = 32
"""Long chunks are scanned in so many interleaved lanes, which the processor does side by side."""
LONG = 200
"""From so many increments on the lanes pay."""
RAMP = np.arange(1, LONG + 1, dtype=np.float64)
ROUNDING = 4 * np.finfo(np.float64).eps
"""S below this share of the path's height is what rounding leaves of equal increments."""


# nnan, nsz: there is no NaN, and the sign of a zero changes no maximum, minimum or range.
@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def short_rs(path: FloatArray, begin: int, w: int, ramp: FloatArray) -> float:
    first = before = path[begin]
    mean = (path[begin + w] - first) / w
    high = low = squares = 0.0
    for j in range(w):
        point = path[begin + 1 + j]
        y = point - first - mean * ramp[j]
        high = y if y > high else high  # max() takes twice the time here
        low = y if y < low else low
        squares += (point - before - mean) ** 2
        before = point
    return quotient(high - low, squares / w, max(abs(first), abs(before)))


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def long_rs(path: FloatArray, begin: int, w: int, ramp: FloatArray, lanes: FloatMatrix) -> float:
    highs, lows, squares = lanes[0], lanes[1], lanes[2]
    for lane in range(LANES):
        highs[lane] = lows[lane] = squares[lane] = 0.0
    first, last = path[begin], path[begin + w]
    mean = (last - first) / w
    whole = w - w % LANES
    for at in range(begin, begin + whole, LANES):
        points, before = path[at + 1 : at + 1 + LANES], path[at : at + LANES]
        start = first + (at - begin) * mean
        for lane in range(LANES):
            y = points[lane] - start - mean * ramp[lane]
            high, low = highs[lane], lows[lane]
            highs[lane] = y if y > high else high
            lows[lane] = y if y < low else low
            squares[lane] += (points[lane] - before[lane] - mean) ** 2
    high = low = square = 0.0
    for lane in range(LANES):
        high, low = max(high, highs[lane]), min(low, lows[lane])
        square += squares[lane]
    for j in range(whole + 1, w + 1):
        y = path[begin + j] - first - mean * j
        high, low = max(high, y), min(low, y)
        square += (path[begin + j] - path[begin + j - 1] - mean) ** 2
    return quotient(high - low, square / w, max(abs(first), abs(last)))


@njit(cache=True, nogil=True)
def quotient(r: float, variance: float, height: float) -> float:
    """Return R/S; 0 where S is 0 or not finite."""
    s = np.sqrt(variance)
    return r / s if np.isfinite(s) and s > ROUNDING * height else 0.0


@njit(cache=True, nogil=True)
def chunk_rs(path: FloatArray, begin: int, w: int, ramp: FloatArray, lanes: FloatMatrix) -> float:
    """Return R/S of the `w` increments from path[begin] on."""
    if w < LONG:
        return short_rs(path, begin, w, ramp)
    return long_rs(path, begin, w, ramp, lanes)


@njit(cache=True, nogil=True)
def mean_rs(path: FloatArray, w: int, ramp: FloatArray) -> float:
    """Return the mean R/S over the whole chunks of `w` increments; 0 where none has any."""
    lanes = np.empty((3, LANES))
    total = 0.0
    valid = 0
    for begin in range(0, path.size - w, w):
        rs = chunk_rs(path, begin, w, ramp, lanes)
        total += rs
        valid += rs > 0
    return total / valid if valid else 0.0


@njit(cache=True, nogil=True)
def rolling_mean_rs(
    path: FloatArray, window: int, ends: IntArray, w: int, ramp: FloatArray, means: FloatArray
) -> None:
    """Write `mean_rs` of path[end - window:end] for each end; a chunk that windows share is
    computed once."""
    lanes = np.empty((3, LANES))
    known = np.full(path.size, -1.0)
    for i in range(ends.size):
        total = 0.0
        valid = 0
        for begin in range(ends[i] - window, ends[i] - w, w):
            if known[begin] < 0:
                known[begin] = chunk_rs(path, begin, w, ramp, lanes)
            total += known[begin]
            valid += known[begin] > 0
        means[i] = total / valid if valid else 0.0
