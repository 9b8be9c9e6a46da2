"""Metaorders: consecutive market orders of one side. What their lengths imply.

P(length > l) = (l + 1)^-alpha (Lillo, Mike and Farmer 2005). Lengths have a finite mean but no
variance if alpha < 2, so signs have a long memory, and averages over them converge slowly.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DIRECT_TERMS = 32
LONGEST = 2**53


def tail(alpha: float, first: int) -> float:
    """Return the sum of k^-alpha over k >= `first` >= 1 (Euler and Maclaurin)."""
    if math.isinf(alpha):
        return float(first == 1)
    end = first + DIRECT_TERMS
    direct = math.fsum(k**-alpha for k in range(first, end))
    rest = end ** (1 - alpha) / (alpha - 1) + end**-alpha / 2 + alpha * end ** (-alpha - 1) / 12
    return direct + rest


def autocorrelation(lag: int, alpha: float) -> float:
    """Return the correlation of the signs of two market orders `lag` apart.

    It is the probability that both belong to one metaorder: the sum of P(length > k) over
    k >= lag, divided by the mean length.
    """
    return tail(alpha, lag + 1) / tail(alpha, 1)


def orders_left(uniform: float, alpha: float) -> int:
    """Return how many orders a metaorder in progress has left at a time like any other, >= 1.

    P(more than r are left) = autocorrelation(r); the smallest r with at most `uniform`.
    """
    low, high = 0, 1
    while autocorrelation(high, alpha) > uniform and high < LONGEST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if autocorrelation(middle, alpha) > uniform:
            low = middle
        else:
            high = middle
    return high


def continuation(ages: Sequence[int] | npt.NDArray[np.int64], alpha: float) -> Floats:
    """Return the probability that the next order has the side of the last `age` orders and no more.

    A run of one side consists of metaorders that happen to have the same side.
    """
    longest = int(np.max(ages, initial=1))
    n = np.arange(1, longest + 1, dtype=np.float64)
    lengths = n**-alpha - (n + 1) ** -alpha
    runs = np.empty(longest)
    for i in range(longest):
        runs[i] = (lengths[i] + lengths[:i] @ runs[:i][::-1]) / 2
    longer = 1 - np.concatenate(([0.0], np.cumsum(runs)))
    return (longer[1:] / longer[:-1])[np.asarray(ages, np.int64) - 1]
