"""The 95 % bands of the permutation entropy of white noise and of a random walk, from a table.

The table (made by scripts/entropy_nulls.py) holds the 95 % quantile of G = 2 N log(m!) (1 - H)
over N / m!, N the number of vectors; G settles as N grows. tau does not matter: the vectors of one
phase are those of tau = 1. For a walk, whose vectors overlap, the table is over tau.
"""

import json
from functools import cache, lru_cache
from math import factorial, log, pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from indicators.estimate import FloatArray, Interval
from indicators.ordinal_patterns import count
from indicators.series import read_only

FEW_VECTORS = 200
"""Below, the entropy takes few values: the quantile is simulated for each number."""
FEWEST_OF_WALK = 100
"""Fewer vectors of a walk that do not overlap have no band: their entropy is too skew."""
RUNS = 2_000
STEP = 1e-9
"""Less than two values of the entropy differ by, more than rounding."""

CHI_SQUARE_95 = 3.841459
NORMAL_97_5 = 1.959964


@cache
def _table() -> Any:
    return json.loads(Path(__file__).with_suffix(".json").read_text())


@cache
def _quantiles(m: int) -> tuple[FloatArray, FloatArray]:
    """Return the logarithms of N / m!, and there the quantile of G."""
    rows = _table()["noise"][str(m)]
    ratio, quantile = np.array(rows).T
    return np.log(ratio), quantile


@lru_cache(maxsize=1024)
def band(vectors: int, m: int) -> Interval:
    """Return the band of `vectors` patterns of `m` points.

    It ends at 1: order shows as less entropy, never as more. Below 200 vectors, or fewer than
    there are patterns, it is simulated once (with a fixed seed) instead of read from the table.
    """
    if m == 2:
        return _of_rises(vectors), 1.0
    if vectors < max(FEW_VECTORS, factorial(m)):
        return _simulated(vectors, m), 1.0
    shortfall = float(np.interp(log(vectors / factorial(m)), *_quantiles(m)))
    return 1 - shortfall / (2 * vectors * log(factorial(m))), 1.0


def _of_rises(vectors: int) -> float:
    """Return the entropy that 95 of 100 white noises reach with two points, as closely as possible.

    How many of N steps rise is nearly normal with variance (N + 2) / 12 (Euler's numbers).
    """
    lattice = vectors / 2 % 1  # the distance of the number of rises to its mean is this, + 1, ...
    reach = NORMAL_97_5 * sqrt((vectors + 2) / 12)
    away = max(0, round(reach - lattice - 0.5)) + lattice + 0.5
    p = np.array([0.5 - away / vectors, 0.5 + away / vectors])
    return float(-(p * np.log2(p)).sum()) if away < vectors / 2 else 0.0


@lru_cache(maxsize=1024)
def _simulated(vectors: int, m: int) -> float:
    """Return the entropy that about 95 of 100 white noises reach."""
    rng = np.random.default_rng((vectors, m))
    drawn = np.empty(RUNS)
    for run in range(RUNS):
        counts = np.zeros(factorial(m), np.int64)
        count(read_only(rng.random(vectors + m - 1)), 0, vectors, m, 1, counts)
        p = counts[counts > 0] / vectors
        drawn[run] = -(p * np.log(p)).sum() / log(factorial(m))
    # The quantile is one of few values: inside or not, whichever comes nearer to 95 of 100.
    quantile = float(np.quantile(drawn, 0.05, method="lower"))
    inside, outside = np.mean(drawn > quantile - STEP), np.mean(drawn > quantile + STEP)
    return max(0.0, quantile - STEP if inside - 0.95 < 0.95 - outside else quantile + STEP)


@lru_cache(maxsize=1024)
def walk_band(vectors: int, m: int, tau: int) -> Interval | None:
    """Return the band of a random walk, the law of prices in a market without memory.

    A walk goes on in its direction more often than noise does, so its entropy is below 1. That
    does not depend on tau, but the longer vectors overlap, the less information they hold.
    """
    if vectors < tau * max(FEWEST_OF_WALK, 4 * factorial(m)):
        return None
    if m == 2:  # rises and falls of a fair coin: 2 N log 2 (1 - H) is chi-square with 1 degree
        return 1 - CHI_SQUARE_95 * _overlap(tau) / (2 * vectors * log(2)), 1.0
    table = _table()["walk"][str(m)]
    taus, biases, spreads = np.array(table["moments"]).T
    bias, spread = (float(np.interp(log(tau), np.log(taus), y)) for y in (biases, spreads))
    center = table["limit"] - bias * tau / vectors
    half = NORMAL_97_5 * spread * sqrt(tau / vectors)
    return max(0.0, center - half), min(1.0, center + half)


def _overlap(tau: int) -> float:
    """Return by how much overlap widens the share of rises of `tau` steps: the arcsine law."""
    shared = np.arange(1, tau) / tau
    return float(1 + 4 / pi * np.arcsin(shared).sum())


def walk_entropy(m: int) -> float:
    """Return the entropy of an infinite random walk."""
    return float(_table()["walk"][str(m)]["limit"])
