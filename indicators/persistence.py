"""Persistence phi of the signs of steps: the estimator of the law's coefficient."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from indicators.estimate import (
    Estimate,
    Interval,
    NumberArray,
    RefusedError,
    RollingEstimate,
)
from indicators.quantiles import NORMAL_97_5
from indicators.rolling import rolling_ends
from indicators.series import Series, length, ordered_series

FEWEST_PAIRS: Final = 20
BLOCK: Final = 20
"""Pairs within which phi is taken to be one: short beside a regime of the law."""
SignArray = np.ndarray[tuple[int], np.dtype[np.int8]]


@dataclass(frozen=True, kw_only=True, slots=True)
class PersistenceEstimate(Estimate):
    """`standard_error` of the value; `pairs`: how many times a step followed a step."""

    standard_error: float | None = None
    pairs: int = 0


def persistence(prices: Series) -> PersistenceEstimate:
    """Return the lag-1 autocorrelation of the signs of the steps of `prices` (one per tick).

    In the law P(s[t + 1] = s[t]) = (1 + phi) / 2, so the value, 2 repeats / pairs - 1, estimates
    the mean phi of the window without bias, and its variance is 1 - mean(phi^2) over the pairs:
    that of a binomial share where phi is constant, less where it changes. The interval is for the
    mean phi of the window; it is Wilson's with that variance. A price that does not move
    has no sign: the pairs it belongs to are left out.

    Null band: a fair coin. Source: E. B. Wilson, JASA 22 (1927).
    """
    try:
        series = ordered_series(prices)
        products = _products(series)
        pairs = int(np.count_nonzero(products))
        if pairs < FEWEST_PAIRS:
            raise RefusedError(
                f"{pairs} pairs of steps are too few: at least {FEWEST_PAIRS} are needed"
            )
    except RefusedError as error:
        return PersistenceEstimate(value=None, reason=str(error), n=length(prices))
    value = float(products.sum(dtype=np.int64)) / pairs
    spread = _variance_of_phi(products, value)
    band = NORMAL_97_5 / sqrt(pairs)
    return PersistenceEstimate(
        value=value,
        n=series.size,
        interval=_wilson(value, pairs, spread),
        null_band=(-band, band),
        standard_error=sqrt(max(0.0, 1 - value**2 - spread) / pairs),
        pairs=pairs,
    )


def rolling_persistence(prices: Series, window: int, step: int = 1) -> RollingEstimate:
    """Return the persistence of every window of `window` prices, `step` apart.

    Raises RefusedError for a series without a whole window or that cannot be measured.
    """
    series = ordered_series(prices)
    ends = rolling_ends(series.size, window, step)
    products = _products(series)
    sums = np.concatenate([[0], np.cumsum(products, dtype=np.int64)])
    moves = np.concatenate([[0], np.cumsum(products != 0)])
    first, last = np.minimum(ends - window, products.size), np.maximum(ends - 2, 0)
    pairs = moves[last] - moves[first]
    valid = pairs >= FEWEST_PAIRS
    values = np.where(valid, (sums[last] - sums[first]) / np.maximum(pairs, 1), 0.0)
    return RollingEstimate(window=window, ends=ends, values=values, valid=valid)


def _products(series: NumberArray) -> SignArray:
    """Return s[t] s[t + 1] for the signs s of the steps; 0 where either did not move."""
    later, earlier = series[1:], series[:-1]
    signs = (later > earlier).view(np.int8) - (later < earlier).view(np.int8)
    return signs[1:] * signs[:-1]


def _variance_of_phi(products: SignArray, value: float) -> float:
    """Return how much phi varies within the window: mean(phi^2) - mean(phi)^2, at least 0.

    Two pairs repeat independently of each other, so the product of what they show is phi^2 on
    average where both have the same phi: here any two pairs of one block.
    """
    blocks = products[: products.size // BLOCK * BLOCK].reshape(-1, BLOCK)
    sums = blocks.sum(axis=1, dtype=np.int64)
    moves = np.count_nonzero(blocks, axis=1)
    couples = int(moves @ moves - moves.sum())
    if couples == 0:
        return 0.0
    squared = float(sums @ sums - moves.sum()) / couples
    return min(max(0.0, squared - value**2), 1 - value**2)


def _wilson(value: float, pairs: int, spread: float) -> Interval:
    """Return the phi with (value - phi)^2 <= z^2 (1 - spread - phi^2) / pairs."""
    z2 = NORMAL_97_5**2 / pairs
    center = value / (1 + z2)
    half = sqrt(z2 * max(0.0, 1 - spread - value**2) + z2**2 * (1 - spread)) / (1 + z2)
    return max(-1.0, center - half), min(1.0, center + half)
