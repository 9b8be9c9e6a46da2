"""Expected R/S of a series without memory: Anis & Lloyd (1976), with Peters' (1994) factor."""

from functools import lru_cache
from math import exp, lgamma, pi, sqrt

import numpy as np

EXACT = 1_000
"""Up to this length the sum is made term by term, above by its expansion (to 1e-9 of it)."""
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


def _sum_of_roots(w: int) -> float:
    """Return the sum of sqrt((w - r) / r) over r = 1 ... w - 1."""
    if w <= EXACT:
        r = np.arange(1, w)
        return float(np.sqrt((w - r) / r).sum())
    return w * pi / 2 + ZETA_HALF * sqrt(w) + ZETA_MINUS_HALF / (2 * sqrt(w))
