"""Spreads from trades: Roll's, and the parts of what an aggressor pays."""

from dataclasses import dataclass
from math import expm1, sqrt
from typing import Final

import numpy as np

from indicators.estimate import Estimate, Interval, RefusedError
from indicators.series import Series, length
from orderflow.measures.inputs import numbers, refuse_few, sides
from orderflow.measures.intervals import MEMORY, is_steady, window_interval

FEWEST_CHANGES: Final = 20
FEWEST_ORDERS: Final = 20
PARTS: Final = 20
STEADY_PARTS: Final = 10
PARTS_OF_CHANGES: Final = 22
MOST_SCATTER: Final = 45.0
"""Products of changes remember metaorders, so they scatter more than chance explains."""
FURTHEST: Final = 0.3
"""The upper end is that of a logarithm up to this relative distance, and then a straight line."""
NO_BOUNCE: Final = "successive changes have covariance {:.3g}, not below 0"


@dataclass(frozen=True, kw_only=True, slots=True)
class RollEstimate(Estimate):
    """`covariance` of successive price changes, in squared ticks."""

    covariance: float | None = None


def roll_spread(prices: Series) -> RollEstimate:
    """Return 2 sqrt(-c), c the mean product of successive changes of trade prices.

    `prices`, shape (n,), of successive trades in ticks; the value is in ticks. If prices bounce
    between bid and ask at random around a price without memory, it is the spread. No value if c is
    not negative; the interval then begins at 0 and says how large a spread may be nevertheless.
    Changes are not centred: the mean change of a market is 0. The interval is that of c for the
    parameters of the window (successive differences of 10 parts, or of 22 if c changes within the
    window), transformed. Its lower end is 0 where c may be positive; its upper end is that of the
    logarithm of -c where it is near (in c at most the variance of the changes), because the
    estimate varies less in windows in which it is too small.

    Source: Roll, A simple implicit measure of the effective bid-ask spread in an efficient market,
    Journal of Finance 39 (1984).
    """
    try:
        read = numbers("prices", prices)
        changes = read[1:] - read[:-1]
        refuse_few(changes.size, FEWEST_CHANGES, "price changes")
    except RefusedError as error:
        return RollEstimate(value=None, reason=str(error), n=length(prices))
    products = changes[1:] * changes[:-1]
    covariance = float(products.mean())
    is_constant = is_steady(products, MOST_SCATTER)
    parts, widening = (STEADY_PARTS, MEMORY) if is_constant else (PARTS_OF_CHANGES, 1.0)
    of_mean = window_interval(products, np.ones(products.size), parts, widening)
    is_bouncing = covariance < 0
    return RollEstimate(
        value=_spread(covariance) if is_bouncing else None,
        reason=None if is_bouncing else NO_BOUNCE.format(covariance),
        n=read.size,
        interval=_spreads(covariance, of_mean, float((changes**2).mean())),
        covariance=covariance,
    )


def _spreads(covariance: float, interval: Interval | None, variance: float) -> Interval | None:
    """Return the interval of the spread from that of its negative covariance.

    No covariance of successive changes is larger than their variance.
    """
    if interval is None:
        return None
    reach = interval[1] - covariance
    relative = min(FURTHEST, reach / -covariance) if covariance < 0 else FURTHEST
    growth = expm1(relative) / relative if relative > 0 else 1.0
    return _spread(interval[1]), _spread(max(-variance, covariance - growth * reach))


def _spread(covariance: float) -> float:
    return 2 * sqrt(max(0.0, -covariance))


def effective_half_spread(aggressors: Series, prices: Series, mids: Series) -> Estimate:
    """Return the mean of side x (price - mid): what an aggressor pays beyond the mid price.

    Shapes (n,), one for each order: `aggressors` 1 (buy) or -1 (sell), its price, and the mid price
    before it. In the unit of the prices. The interval is for the parameters of the window
    (successive differences of 20 parts).

    Raises ValueError if the arguments differ in length. Source: Huang and Stoll, Dealer versus
    auction markets, Journal of Financial Economics 41 (1996).
    """
    return _signed_mean(aggressors, prices, mids)


def realised_half_spread(aggressors: Series, prices: Series, later_mids: Series) -> Estimate:
    """Return the mean of side x (price - later mid): what remains with those who provided.

    `later_mids`: some time after each order. Otherwise as `effective_half_spread`, of which it is
    the part that adverse selection leaves.
    """
    return _signed_mean(aggressors, prices, later_mids)


def adverse_selection(aggressors: Series, mids: Series, later_mids: Series) -> Estimate:
    """Return the mean of side x (later mid - mid): what aggressors knew of the price.

    Also called price impact or response. Otherwise as `effective_half_spread`, which is the sum of
    this and the realised half-spread.
    """
    return _signed_mean(aggressors, later_mids, mids)


def _signed_mean(aggressors: Series, ends: Series, starts: Series) -> Estimate:
    n = length(aggressors)
    try:
        side = sides(aggressors)
        differences = side * (numbers("prices", ends, n) - numbers("mids", starts, n))
        refuse_few(n, FEWEST_ORDERS, "orders")
    except RefusedError as error:
        return Estimate(value=None, reason=str(error), n=n)
    interval = window_interval(differences, np.ones(n), PARTS)
    return Estimate(value=float(differences.mean()), n=n, interval=interval)
