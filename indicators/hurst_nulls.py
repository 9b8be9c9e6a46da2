"""The sampling of the R/S estimate: its 95 % band without memory, its interval with memory.

The estimate is a weighted sum of log mean R/S over the windows. Its mean without memory comes
from Anis & Lloyd, for coins from Spitzer; the covariance of two windows w1 <= w2 on n increments
is kappa(w2 / w1) w2 / n, with kappa from a table made by simulation (scripts/hurst_nulls.py).
The interval adds the variance that regimes cause, measured on the series itself.
"""

import json
from functools import cache, lru_cache
from math import sqrt
from pathlib import Path
from typing import Final

import numpy as np

from indicators.estimate import FloatArray, Interval
from indicators.expected_range import anis_lloyd, of_coins, peters
from indicators.quantiles import NORMAL_97_5, student_97_5
from indicators.rescaled_range import PARTS

LONGER: Final = 10
"""The interval allows for the bias of a series so many times as long."""
DRIFT_GROWTH: Final = 3.0
"""Parts that share a regime differ too little: this makes up for it. The interval then covers 94
to 98 % under the law of the market, from 2,000 to 20,000 ticks (benchmarks/coverage.py)."""


@cache
def _table() -> dict[str, FloatArray]:
    raw = json.loads(Path(__file__).with_suffix(".json").read_text())
    return {name: np.array(rows) for name, rows in raw.items()}


@lru_cache(maxsize=1024)
def slope_weights(windows: tuple[int, ...]) -> FloatArray:
    """Return the weights whose sum with log R/S is the least-squares slope over log w."""
    x = np.log(windows)
    deviations = x - x.mean()
    weights: FloatArray = deviations / (deviations @ deviations)
    weights.setflags(write=False)
    return weights


@lru_cache(maxsize=1024)
def null_moments(
    n: int, windows: tuple[int, ...], corrected: bool, coins: bool = False
) -> tuple[float, float]:
    """Return mean and standard deviation of the estimate from `n` increments without memory.

    They are normal, or `coins`: + 1 or - 1 of some unit.
    """
    weights = slope_weights(windows)
    w = np.array(windows, dtype=np.float64)
    larger = np.maximum.outer(w, w)
    ratio = larger / np.minimum.outer(w, w)
    table = _table()
    kappa = np.interp(np.log(ratio), np.log(table["ratios"]), table["kappa"])
    covariance = kappa * larger / n
    of_noise = of_coins if coins else anis_lloyd
    expected = np.log([of_noise(size) for size in windows]) - np.diag(covariance) / 2
    mean = float(weights @ expected)
    if corrected:
        mean += 0.5 - float(weights @ np.log([peters(size) for size in windows]))
    return mean, float(np.sqrt(weights @ covariance @ weights))


def null_band(n: int, windows: tuple[int, ...], corrected: bool, coins: bool = False) -> Interval:
    mean, deviation = null_moments(n, windows, corrected, coins)
    return mean - NORMAL_97_5 * deviation, mean + NORMAL_97_5 * deviation


def interval(
    value: float,
    n: int,
    windows: tuple[int, ...],
    corrected: bool,
    coins: bool = False,
    drift: float = 0.0,
    longer: tuple[int, ...] | None = None,
) -> Interval:
    """Return the 95 % interval for the value of longer series of the same kind.

    Its variance has two parts: the variance without memory, times its growth with H as
    fractional Gaussian noise shows it; and what the `drift` of the shortest window (see
    rescaled_range.mean_and_drift) does to the slope: where regimes move log R/S, they tilt the
    line by up to the sum of the weights on one side. `longer` are the windows of a series
    LONGER times as long: they have less bias without memory, and the lower end allows for it.
    """
    mean, deviation = null_moments(n, windows, corrected, coins)
    moved = DRIFT_GROWTH * drift * _one_side(windows) ** 2
    half = _half(deviation * _growth(value - mean), moved)
    low = value - _half(deviation * _growth(value - half - mean), moved)
    high = value + _half(deviation * _growth(value + half - mean), moved)
    if longer is not None:
        low -= max(0.0, mean - null_moments(LONGER * n, longer, corrected, coins)[0])
    return low, high


def _growth(excess: float) -> float:
    """Return the deviation of estimates that lie on average so far above those without memory,
    as a multiple of the deviation of these."""
    exponents, means, spreads = _table()["spread"].T
    mean, spread = (float(np.interp(0.5, exponents, y)) for y in (means, spreads))
    return float(np.interp(excess + mean, means, spreads)) / spread


def _half(deviation: float, moved: float) -> float:
    """Return half the width of an interval: the variance `moved` is estimated from PARTS."""
    variance = deviation**2 + moved
    if moved == 0:
        return NORMAL_97_5 * deviation
    # Degrees of freedom of a sum of variances, after Satterthwaite (1946).
    return student_97_5((PARTS - 1) * (variance / moved) ** 2) * sqrt(variance)


@lru_cache(maxsize=1024)
def _one_side(windows: tuple[int, ...]) -> float:
    return float(np.abs(slope_weights(windows)).sum()) / 2
