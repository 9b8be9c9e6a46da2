"""Counting ordinal patterns: the kernels.

The pattern of m points is coded by d[j], how many of the points before point j are greater than
it (0 <= j < m): code = sum d[j] * j!. That needs comparisons only, no sort, and a point that is
equal to an earlier one counts as greater: ties are broken by index. All loops are branch-free
over blocks that stay in the first cache, and release the GIL.
"""

from functools import lru_cache
from itertools import permutations
from math import factorial

import numpy as np

from indicators.estimate import IntArray, IntMatrix, NumberArray
from indicators.series import all_finite
from market.compiling import njit

BLOCK = 2048
LANES = 4
"""Histograms side by side, so that equal codes in a row do not wait for each other."""


@lru_cache
def lexicographic_order(m: int) -> IntArray:
    """Return the codes of all patterns of `m` points, in the order of their permutations.

    A pattern is named by the permutation that sorts its points: (i0, i1, ...) when point i0 is
    the smallest, i1 the next.
    """
    codes = []
    for order in permutations(range(m)):
        rank = np.argsort(order)
        greater = (sum(rank[i] > rank[j] for i in range(j)) for j in range(m))
        codes.append(sum(int(d) * factorial(j) for j, d in enumerate(greater)))
    return np.array(codes, dtype=np.int64)


@njit(cache=True, nogil=True)
def codes_of(
    series: NumberArray, start: int, m: int, tau: int, codes: IntArray, ties: IntArray
) -> None:
    """Write the codes of the vectors that begin at `start`, ..., and whether they hold ties."""
    n = codes.size
    for i in range(n):
        codes[i] = 0
        ties[i] = 0
    weight = 1
    for j in range(1, m):
        later = series[start + j * tau : start + j * tau + n]
        for k in range(j):
            earlier = series[start + k * tau : start + k * tau + n]
            for i in range(n):
                codes[i] += weight if earlier[i] > later[i] else 0
                ties[i] |= earlier[i] == later[i]
        weight *= j + 1


@njit(cache=True, nogil=True)
def count(series: NumberArray, start: int, stop: int, m: int, tau: int, counts: IntArray) -> int:
    """Add the patterns of the vectors that begin in start..stop to `counts` by code.

    Returns how many of the vectors hold a tie.
    """
    lanes = np.zeros((LANES, counts.size), np.int64)
    codes = np.empty(BLOCK, np.int64)
    ties = np.empty(BLOCK, np.int64)
    tied = 0
    for begin in range(start, stop, BLOCK):
        n = min(BLOCK, stop - begin)
        codes_of(series, begin, m, tau, codes[:n], ties[:n])
        for i in range(n):
            tied += ties[i]
        whole = n - n % LANES
        for i in range(0, whole, LANES):
            lanes[0, codes[i]] += 1
            lanes[1, codes[i + 1]] += 1
            lanes[2, codes[i + 2]] += 1
            lanes[3, codes[i + 3]] += 1
        for i in range(whole, n):
            lanes[0, codes[i]] += 1
    for lane in range(LANES):
        for code in range(counts.size):
            counts[code] += lanes[lane, code]
    return tied


@njit(cache=True, nogil=True)
def count_triples(series: NumberArray, start: int, stop: int, tau: int, counts: IntArray) -> int:
    """Do `count` for m = 3 without a histogram: four sums of comparisons suffice.

    Returns -1 where a first point of the vectors is not finite: the memory is read but once.
    """
    n = stop - start
    first = series[start : start + n]
    second = series[start + tau : start + tau + n]
    third = series[start + 2 * tau : start + 2 * tau + n]
    falls = ends_below = both_fall = falls_below = differ = finite = 0
    for i in range(n):
        a, b, c = first[i] > second[i], second[i] > third[i], first[i] > third[i]
        falls += a
        ends_below += c
        both_fall += a & b
        falls_below += a & c
        differ += (first[i] != second[i]) & (second[i] != third[i]) & (first[i] != third[i])
        finite += (first[i] - first[i]) == 0
    if finite < n:
        return -1
    falls_then = falls  # the second step of a vector is the first of that tau later
    for i in range(min(tau, n)):
        falls_then -= first[i] > second[i]
        falls_then += second[n - 1 - i] > third[n - 1 - i]
    # Two falls imply that the third point is below the first, two rises that it is not.
    falls_then_below = ends_below - falls_below + both_fall
    counts[5] += both_fall
    counts[3] += falls_below - both_fall
    counts[1] += falls - falls_below
    counts[4] += falls_then_below - both_fall
    counts[2] += falls_then - falls_then_below
    counts[0] += n - falls - falls_then + both_fall
    return n - differ


@njit(cache=True, nogil=True)
def count_parts(series: NumberArray, bounds: IntArray, m: int, tau: int, rows: IntMatrix) -> int:
    """Do `count` for each part bounds[i]..bounds[i + 1] of the vectors, into rows[i].

    Returns -1 where their points are not all finite: they are looked at here, part by part,
    because a pass of its own over a long series takes as long as the counting.
    """
    last = bounds[-1]
    if not all_finite(series[last : last + (m - 1) * tau]):
        return -1
    tied = 0
    for i in range(bounds.size - 1):
        begin, end = bounds[i], bounds[i + 1]
        if m == 3:
            ties = count_triples(series, begin, end, tau, rows[i])
        else:
            finite = all_finite(series[begin:end])
            ties = count(series, begin, end, m, tau, rows[i]) if finite else -1
        if ties < 0:
            return -1
        tied += ties
    return tied


@njit(cache=True, nogil=True)
def rolling_sums(
    series: NumberArray,
    vectors: int,
    step: int,
    m: int,
    tau: int,
    patterns: int,
    terms: IntArray,
    sums: IntArray,
) -> None:
    """Write, per window of `vectors` vectors, the sum of terms[count] over all patterns.

    A window that moves on by one vector changes two counts. `terms` are integers, so that sums
    do not drift however long the series is.
    """
    counts = np.zeros(patterns, np.int64)
    ring = np.zeros(vectors, np.int64)  # the codes in the window
    codes = np.empty(BLOCK, np.int64)
    ties = np.empty(BLOCK, np.int64)
    total = 0
    written = 0
    place = 0
    last = series.size - (m - 1) * tau
    for begin in range(0, last, BLOCK):
        n = min(BLOCK, last - begin)
        codes_of(series, begin, m, tau, codes[:n], ties[:n])
        for i in range(n):
            if begin + i >= vectors:
                old = ring[place]
                total += terms[counts[old] - 1] - terms[counts[old]]
                counts[old] -= 1
            new = codes[i]
            total += terms[counts[new] + 1] - terms[counts[new]]
            counts[new] += 1
            ring[place] = new
            place = place + 1 if place + 1 < vectors else 0
            done = begin + i + 1 - vectors
            if done >= 0 and done % step == 0:
                sums[written] = total
                written += 1
