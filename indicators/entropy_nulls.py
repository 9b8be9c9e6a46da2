"""The 95 % band of the permutation entropy of white noise, from a table.

The table (made by scripts/entropy_nulls.py) holds the 95 % quantile of G = 2 N log(m!) (1 - H)
over N / m!, N the number of vectors; G settles as N grows. tau does not matter: the vectors of one
phase are those of tau = 1.
"""

import json
from functools import cache
from math import factorial, log
from pathlib import Path

import numpy as np

from indicators.estimate import FloatArray, Interval


@cache
def _quantiles(m: int) -> tuple[FloatArray, FloatArray]:
    """Return the logarithms of N / m!, and there the quantile of G."""
    rows = json.loads(Path(__file__).with_suffix(".json").read_text())[str(m)]
    ratio, quantile = np.array(rows).T
    return np.log(ratio), quantile


def band(vectors: int, m: int) -> Interval | None:
    """Return the band of `vectors` patterns of `m` points; None where it would mean nothing:
    fewer vectors than patterns.

    It ends at 1: order shows as less entropy, never as more.
    """
    if vectors < factorial(m):
        return None
    shortfall = float(np.interp(log(vectors / factorial(m)), *_quantiles(m)))
    return 1 - shortfall / (2 * vectors * log(factorial(m))), 1.0
