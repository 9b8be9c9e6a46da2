"""Rescaled range R/S: the kernels.

They read the path (the closes), never the increments: within a chunk that begins at path[s] the
cumulative deviation from the mean is path[s + j] - path[s] - j * mean, so there is nothing to
accumulate and no copy of the series is made. Both loops over a chunk are free of branches and of
anything that keeps the processor from doing several points at once.
"""

from typing import Any, Final

import numpy as np

from indicators.estimate import FloatArray, IntArray
from indicators.series import read_only
from market.compiling import intrinsic, njit

ROUNDING = 4 * np.finfo(np.float64).eps
"""S below this share of the path's height is the rounding error of equal increments."""
PARTS: Final = 5
"""Parts of a series that are compared to detect changes of its memory."""
LONGEST: Final = 2**31 - 1
"""Increments of the longest chunk. Processors convert several 32-bit integers to floats at once,
64-bit ones often not: with those this kernel took three times as long."""
BLOCK = 1024
SAME = 1e-6
"""Sizes of increments that differ by this share are one size, as ticks of 0.1 are."""


def chosen_by(name: str) -> Any:
    """Return a function for kernels: an instruction that chooses one of two floats.

    max() of Numba is a branch, of which LLVM makes no vector instructions.
    """

    def choose(_context: Any, _a: Any, _b: Any) -> Any:
        from llvmlite import ir  # the compiler is loaded when it is needed
        from numba import types

        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            double = arguments[0].type
            instruction = ir.FunctionType(double, [double, double])
            declared = builder.module.declare_intrinsic(name, [double], instruction)
            return builder.call(declared, arguments)

        return types.float64(types.float64, types.float64), generate

    return intrinsic(choose)


larger = chosen_by("llvm.maxnum")
smaller = chosen_by("llvm.minnum")


# nnan, nsz: there is no NaN, and the sign of a zero changes no maximum, minimum or range.
@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def deviation_range(points: FloatArray, first: float, mean: float) -> float:
    """Return R: the range of the cumulative deviations from the mean, of at most LONGEST points."""
    high = low = 0.0
    for j in range(points.size):
        deviation = points[j] - first - mean * np.int32(j + 1)
        high = larger(high, deviation)
        low = smaller(low, deviation)
    return high - low


# reassoc: no term is negative, so the sum in any order is within the rounding of each other order.
@njit(cache=True, nogil=True, fastmath={"reassoc"})
def sum_of_squares(points: FloatArray, before: FloatArray, mean: float) -> float:
    """Return the sum of the squared deviations of the increments from their mean."""
    total = 0.0
    for j in range(points.size):
        total += (points[j] - before[j] - mean) ** 2
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def chunk_rs(path: FloatArray, begin: int, w: int) -> float:
    """Return R/S of the `w` increments from path[begin] on; 0 where S is 0 or not finite."""
    first, last = path[begin], path[begin + w]
    points, before = path[begin + 1 : begin + 1 + w], path[begin : begin + w]
    mean = (last - first) / w
    r = deviation_range(points, first, mean)
    s = np.sqrt(sum_of_squares(points, before, mean) / w)
    valid = np.isfinite(s) and s > ROUNDING * max(abs(first), abs(last))
    return float(r / s) if valid else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def mean_and_drift(path: FloatArray, w: int) -> tuple[float, float]:
    """Return the mean R/S over the whole chunks of `w` increments, and its drift.

    Where all chunks have one law, the means of PARTS of the series vary as the chunks let expect;
    where the memory changes from regime to regime, they vary more. The drift is the excess, as a
    variance of the logarithm of the mean. It is 0 for fewer than 2 chunks per part; both
    are 0 where no chunk has an R/S.
    """
    chunks = (path.size - 1) // w
    sums = np.zeros(PARTS)
    counts = np.zeros(PARTS)
    squares = 0.0
    for i in range(chunks):
        rs = chunk_rs(path, i * w, w)
        part = i * PARTS // chunks
        sums[part] += rs
        counts[part] += rs > 0
        squares += rs**2
    count = counts.sum()
    if count == 0:
        return 0.0, 0.0
    mean = sums.sum() / count
    if counts.min() < 2:
        return mean, 0.0
    within = max(0.0, squares / count - mean**2) / (count - 1)
    between = ((sums / counts - mean) ** 2).sum() / PARTS / (PARTS - 1)
    return mean, max(0.0, between - within) / mean**2


def mean_rs(path: FloatArray, w: int) -> float:
    """Return the mean R/S over the whole chunks of `w` increments; 0 where none has any."""
    return mean_and_drift(read_only(path), w)[0]


@njit(cache=True, nogil=True, error_model="numpy")
def rolling_mean_rs(
    path: FloatArray, window: int, ends: IntArray, w: int, means: FloatArray
) -> None:
    """Write `mean_rs` of path[end - window:end] for each end; a chunk that windows share is
    computed once."""
    known = np.full(path.size, -1.0)
    for i in range(ends.size):
        total = 0.0
        valid = 0
        for begin in range(ends[i] - window, ends[i] - w, w):
            if known[begin] < 0:
                known[begin] = chunk_rs(path, begin, w)
            total += known[begin]
            valid += known[begin] > 0
        means[i] = total / valid if valid else 0.0


@njit(cache=True, nogil=True)
def are_coins(path: FloatArray) -> bool:
    """Return whether all increments are of one size, whatever their signs."""
    size = abs(path[1] - path[0])
    for begin in range(0, path.size - 1, BLOCK):
        points, before = path[begin + 1 : begin + 1 + BLOCK], path[begin : begin + BLOCK]
        other = 0
        for i in range(points.size):
            other += abs(abs(points[i] - before[i]) - size) > SAME * size
        if other:
            return False
    return True
