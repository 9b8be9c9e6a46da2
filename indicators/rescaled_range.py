"""Rescaled range R/S: the kernels.

They read the path (the closes), never the increments: within a chunk that begins at path[s] the
cumulative deviation from the mean is path[s + j] - path[s] - j * mean, so there is nothing to
accumulate and no copy of the series is made.
"""

import numpy as np
from numba import njit

from indicators.estimate import FloatArray, FloatMatrix, IntArray

LANES = 64
"""Long chunks are scanned in so many interleaved lanes, which the processor does side by side."""
BATCH = 256
"""So many chunks are measured by one call."""
LONG = 200
"""From so many increments on the lanes pay."""
RAMP = np.arange(1, LONG + 1, dtype=np.float64)
ROUNDING = 4 * np.finfo(np.float64).eps
"""S below this share of the path's height is what rounding leaves of equal increments."""


# nnan, nsz: there is no NaN, and the sign of a zero changes no maximum, minimum or range.
@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def short_chunks(
    path: FloatArray, begin: int, w: int, ramp: FloatArray, ranges: FloatArray, squares: FloatArray
) -> None:
    """Write the ranges and the sums of squares of ranges.size short chunks in a row."""
    for chunk in range(ranges.size):
        at = begin + chunk * w
        first = before = path[at]
        mean = (path[at + w] - first) / w
        high = low = square = 0.0
        for j in range(w):
            point = path[at + 1 + j]
            y = point - first - mean * ramp[j]
            high = y if y > high else high  # max() takes twice the time here
            low = y if y < low else low
            square += (point - before - mean) ** 2
            before = point
        ranges[chunk] = high - low
        squares[chunk] = square


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
        passed = float(at - begin)
        for lane in range(LANES):
            y = points[lane] - first - mean * (passed + ramp[lane])
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
def chunks_rs(
    path: FloatArray, begin: int, w: int, ramp: FloatArray, scratch: FloatMatrix, rs: FloatArray
) -> None:
    """Write R/S of rs.size chunks of `w` increments in a row, the first from path[begin] on."""
    n = rs.size
    if w < LONG:
        ranges, squares = scratch[0, :n], scratch[1, :n]
        short_chunks(path, begin, w, ramp, ranges, squares)
        for chunk in range(n):
            at = begin + chunk * w
            height = max(abs(path[at]), abs(path[at + w]))
            rs[chunk] = quotient(ranges[chunk], squares[chunk] / w, height)
    else:
        for chunk in range(n):
            rs[chunk] = long_rs(path, begin + chunk * w, w, ramp, scratch)


@njit(cache=True, nogil=True)
def mean_rs(path: FloatArray, w: int, ramp: FloatArray) -> float:
    """Return the mean R/S over the whole chunks of `w` increments; 0 where none has any."""
    scratch = np.empty((3, BATCH))
    found = np.empty(BATCH)
    total = 0.0
    valid = 0
    chunks = (path.size - 1) // w
    for start in range(0, chunks, BATCH):
        rs = found[: min(BATCH, chunks - start)]
        chunks_rs(path, start * w, w, ramp, scratch, rs)
        for chunk in range(rs.size):
            total += rs[chunk]
            valid += rs[chunk] > 0
    return total / valid if valid else 0.0


@njit(cache=True, nogil=True)
def rolling_mean_rs(
    path: FloatArray, window: int, ends: IntArray, w: int, ramp: FloatArray, means: FloatArray
) -> None:
    """Write `mean_rs` of path[end - window:end] for each end; a chunk that windows share is
    computed once."""
    scratch = np.empty((3, BATCH))
    known = np.full(path.size, -1.0)
    for i in range(ends.size):
        total = 0.0
        valid = 0
        for begin in range(ends[i] - window, ends[i] - w, w):
            if known[begin] < 0:
                chunks_rs(path, begin, w, ramp, scratch, known[begin : begin + 1])
            total += known[begin]
            valid += known[begin] > 0
        means[i] = total / valid if valid else 0.0
