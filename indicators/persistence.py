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
from indicators.rolling import rolling_ends
from indicators.series import Series, length, ordered_series

NORMAL_97_5: Final = 1.959964
FEWEST_PAIRS: Final = 20
SignArray = np.ndarray[tuple[int], np.dtype[np.int8]]


@dataclass(frozen=True, kw_only=True, slots=True)
class PersistenceEstimate(Estimate):
    """`standard_error` of the value; `pairs`: how many times a step followed a step."""

    standard_error: float | None = None
    pairs: int = 0


def persistence(prices: Series) -> PersistenceEstimate:
    """Return the lag-1 autocorrelation of the signs of the steps of `prices` (one per tick).

    In the law P(s[t + 1] = s[t]) = (1 + phi) / 2, so the repeats are binomial: the value is
    2 repeats / pairs - 1, its interval Wilson's, its standard error sqrt((1 - phi^2) / pairs).
    A price that does not move has no sign: the pairs it belongs to are left out.

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
    band = NORMAL_97_5 / sqrt(pairs)
    return PersistenceEstimate(
        value=value,
        n=series.size,
        interval=_wilson(value, pairs),
        null_band=(-band, band),
        standard_error=sqrt((1 - value**2) / pairs),
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


def _wilson(value: float, pairs: int) -> Interval:
    z2 = NORMAL_97_5**2 / pairs
    center = value / (1 + z2)
    half = sqrt(z2 * (1 - value**2) + z2**2) / (1 + z2)
    return max(-1.0, center - half), min(1.0, center + half)
