"""The sampling of the R/S estimate: its 95 % band without memory, its spread with memory.

The estimate is a weighted sum of log mean R/S over the windows. Its mean without memory comes
from Anis & Lloyd, for coins from Spitzer; the covariance of two windows w1 <= w2 on n increments
is kappa(w2 / w1) w2 / n, with kappa from a table made by simulation (scripts/hurst_nulls.py).
"""

import json
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from indicators.estimate import FloatArray, Interval
from indicators.expected_range import anis_lloyd, of_coins, peters

NORMAL_97_5 = 1.959964


@cache
def _table() -> dict[str, FloatArray]:
    raw = json.loads(Path(__file__).with_suffix(".json").read_text())
    return {name: np.array(rows) for name, rows in raw.items()}


def slope_weights(windows: tuple[int, ...]) -> FloatArray:
    """Return the weights whose sum with log R/S is the least-squares slope over log w."""
    x = np.log(windows)
    deviations = x - x.mean()
    return deviations / (deviations @ deviations)  # type: ignore[no-any-return]


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
    value: float, n: int, windows: tuple[int, ...], corrected: bool, coins: bool = False
) -> Interval:
    """Return the 95 % interval of an estimate `value`: where it falls again for such a series.

    The spread without memory, times its growth with H as fractional Gaussian noise shows it. It
    is an interval of the sampling: the bias of R/S is not in it.
    """
    mean, deviation = null_moments(n, windows, corrected, coins)
    exponents, means, spreads = _table()["spread"].T
    mean_there, spread_there = (float(np.interp(0.5, exponents, y)) for y in (means, spreads))
    spread = float(np.interp(value - mean + mean_there, means, spreads))
    half = NORMAL_97_5 * deviation * spread / spread_there
    return value - half, value + half
