"""Price impact and illiquidity: Kyle's lambda and Amihud's ratio."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from indicators.estimate import Estimate, RefusedError
from indicators.series import Series, length
from orderflow.measures.inputs import numbers, refuse_few
from orderflow.measures.intervals import is_steady, mean_interval, window_interval

FEWEST_INTERVALS: Final = 20
STEADY_PARTS: Final = 8
"""Long, because slots that a metaorder spans remember each other."""
PARTS: Final = 24
"""Short, because the law changes within the window."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImpactEstimate(Estimate):
    """`r_squared`: the share of the squared price changes that the net flow explains."""

    r_squared: float | None = None


def kyle_lambda(flow: Series, changes: Series) -> ImpactEstimate:
    """Return the slope of price changes on net flow, through the origin: sum(xy) / sum(x^2).

    `flow`, shape (n,): bought less sold by aggressors in each interval (in lots, or in orders);
    `changes`, shape (n,): of the price in the same interval, in ticks. Ticks per unit of flow. The
    line passes through the origin, as in the model, because without flow nothing is learned. The
    interval is that of the ratio for the parameters of the window (the delta method; successive
    differences of 8 parts, or of 24 if the persistence of the price changes within the window): it
    holds for changing variance and for correlated intervals.

    Raises ValueError if the two differ in length. Source: Kyle, Continuous auctions and insider
    trading, Econometrica 53 (1985); the regression, Hasbrouck, Empirical market microstructure
    (2007), chapter 7.
    """
    n = length(flow)
    try:
        x, y = numbers("flow", flow), numbers("changes", changes, n)
        refuse_few(n, FEWEST_INTERVALS, "intervals")
        if not x.any():
            raise RefusedError("the net flow is 0 in every interval")
    except RefusedError as error:
        return ImpactEstimate(value=None, reason=str(error), n=n)
    products, squares = x * y, x * x  # sums, because @ may wake the threads of a BLAS
    value = float(products.sum()) / float(squares.sum())
    total = float((y * y).sum())
    parts = STEADY_PARTS if is_steady(y[1:] * y[:-1]) else PARTS
    return ImpactEstimate(
        value=value,
        n=n,
        interval=window_interval(products, squares, parts),
        r_squared=value * float(products.sum()) / total if total > 0 else None,
    )


def amihud_illiquidity(changes: Series, volumes: Series) -> Estimate:
    """Return the mean of |price change| / volume over intervals in which something was traded.

    `changes`, shape (n,): of the price in each interval, in ticks (divide by the price for the
    returns of the paper); `volumes`, shape (n,): traded in it, in lots, at least 0. Ticks per lot.
    The interval is for the mean of an endless series of the same kind (Newey and West, fixed-b
    quantiles).

    Raises ValueError if the two differ in length. Source: Amihud, Illiquidity and stock returns,
    Journal of Financial Markets 5 (2002).
    """
    n = length(changes)
    try:
        change, volume = numbers("changes", changes), numbers("volumes", volumes, n)
        if (volume < 0).any():
            raise RefusedError(f"volume {volume.min():g}: use 0 or more")
        traded = volume > 0
        refuse_few(int(traded.sum()), FEWEST_INTERVALS, "intervals with trades")
    except RefusedError as error:
        return Estimate(value=None, reason=str(error), n=n)
    ratios = np.abs(change[traded]) / volume[traded]
    return Estimate(value=float(ratios.mean()), n=n, interval=mean_interval(ratios))
