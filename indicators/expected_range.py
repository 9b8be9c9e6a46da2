"""Expected R/S of series without memory: Anis & Lloyd (1976), Peters' (1994) factor, coins."""

from functools import lru_cache
from math import comb, exp, lgamma, pi, sqrt

import numpy as np

from indicators.estimate import FloatArray

EXACT = 1_000
"""Up to this length the sum is exact, above it uses its expansion (relative error 1e-9)."""
EXACT_COIN = 64
"""Up to this length E[R/S] of a coin is exact; above, it converges to the normal one as 1/sqrt."""
ZETA_HALF = -1.4603545088095868
ZETA_MINUS_HALF = -0.2078862249773545


@lru_cache(maxsize=4096)
def anis_lloyd(w: int) -> float:
    """Return E[R/S] of `w` independent normal increments (population S)."""
    gammas = exp(lgamma((w - 1) / 2) - lgamma(w / 2)) / sqrt(pi)
    return gammas * _sum_of_roots(w)


def peters(w: int) -> float:
    """Return E[R/S] with the empirical factor that Peters gives for short windows."""
    return (w - 0.5) / w * anis_lloyd(w)


@lru_cache(maxsize=4096)
def of_coins(w: int) -> float:
    """Return E[R/S] of `w` independent increments of +1 or -1.

    S does not change with the order of the increments, so E[R/S] is the sum over j of
    E[|Y_j| / S] / j (Spitzer 1956), Y_j the deviation after j of them.
    """
    if w > EXACT_COIN:
        ratio = of_coins(EXACT_COIN) / anis_lloyd(EXACT_COIN)
        return float(anis_lloyd(w) * ratio ** sqrt(EXACT_COIN / w))
    total = 0.0
    for j in range(1, w):
        (first, p), (rest, q) = _heads_and_tails(j), _heads_and_tails(w - j)
        mean = np.add.outer(first, rest) / w
        variance = 1 - mean**2
        quotients = np.abs(first[:, None] - j * mean) / np.sqrt(np.where(variance, variance, 1.0))
        total += float(p @ quotients @ q) / j  # of equal increments Y is 0, and they have no S
    return total / (1 - 2.0 ** (1 - w))


@lru_cache(maxsize=2 * EXACT_COIN)
def _heads_and_tails(n: int) -> tuple[FloatArray, FloatArray]:
    """Return what `n` increments of a coin can sum to, and how probable each sum is."""
    probabilities = [comb(n, heads) / 2**n for heads in range(n + 1)]
    return np.arange(-n, n + 1.0, 2), np.array(probabilities)


def _sum_of_roots(w: int) -> float:
    """Return the sum of sqrt((w - r) / r) over r = 1 ... w - 1."""
    if w <= EXACT:
        r = np.arange(1, w)
        return float(np.sqrt((w - r) / r).sum())
    return w * pi / 2 + ZETA_HALF * sqrt(w) + ZETA_MINUS_HALF / (2 * sqrt(w))
