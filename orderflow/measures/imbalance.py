"""Order flow imbalance at the best prices (Cont, Kukanov and Stoikov)."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indicators.estimate import Estimate, FloatArray, Interval, RefusedError
from indicators.series import Series, length
from orderflow.measures.impact import FEWEST_INTERVALS, kyle_lambda
from orderflow.measures.inputs import numbers, refuse_few
from orderflow.measures.intervals import mean_interval

BEST: Final = np.dtype([(name, np.int64) for name in ("bid", "bid_lots", "ask", "ask_lots")])
"""The best prices in ticks and what rests there. 0 lots: the side is empty."""

Bests = NDArray[np.void]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImbalanceEstimate(Estimate):
    """`total`: of all intervals, in lots. `impact`: ticks of the mid price per lot of imbalance.

    `impact_interval`: 95 % of that; `r_squared`: of the price changes explained.
    """

    total: float = 0.0
    impact: float | None = None
    impact_interval: Interval | None = None
    r_squared: float | None = None


def order_flow_imbalance(imbalances: Series, changes: Series) -> ImbalanceEstimate:
    """Return the mean imbalance per interval, in lots.

    `imbalances`, shape (n,): the sum of `contributions` in each interval; `changes`, shape (n,): of
    the mid price, in ticks. Positive if buyers pressed: they raised or enlarged the best bid, or
    took from the best ask. The interval is for the mean of an endless flow of the same kind (Newey
    and West, fixed-b quantiles). `impact` is the slope of the changes on the imbalances through the
    origin, with the interval of `kyle_lambda`.

    Raises ValueError if the two differ in length. Source: Cont, Kukanov, Stoikov, The price impact
    of order book events, Journal of Financial Econometrics 12 (2014).
    """
    n = length(imbalances)
    try:
        flow, moves = numbers("imbalances", imbalances), numbers("changes", changes, n)
        refuse_few(n, FEWEST_INTERVALS, "intervals")
    except RefusedError as error:
        return ImbalanceEstimate(value=None, reason=str(error), n=n)
    slope = kyle_lambda(flow, moves)
    return ImbalanceEstimate(
        value=float(flow.mean()),
        n=n,
        interval=mean_interval(flow),
        total=float(flow.sum()),
        impact=slope.value,
        impact_interval=slope.interval,
        r_squared=slope.r_squared,
    )


def contributions(bests: Bests) -> FloatArray:
    """Return the imbalance of each change from one row of BEST to the next, shape (n - 1,).

    At the bid: the new size if its price did not fall, less the old size if it did not rise. At the
    ask: less the new size if its price did not rise, plus the old size if it did not fall. A side
    that is empty has no size.
    """
    bids = _pressure(bests["bid"], bests["bid_lots"])
    asks = _pressure(-bests["ask"], bests["ask_lots"])
    imbalance: FloatArray = (bids - asks).astype(np.float64)
    return imbalance


def _pressure(prices: NDArray[Any], lots: NDArray[Any]) -> NDArray[Any]:
    """Return what was added at the best price of a side; prices grow as they become better."""
    old, new = prices[:-1], prices[1:]
    pressure: NDArray[Any] = (new >= old) * lots[1:] - (new <= old) * lots[:-1]
    return pressure


def mid_changes(bests: Bests) -> FloatArray:
    """Return the change of the mid price from row to row, in ticks, shape (n - 1,)."""
    twice_mid = bests["bid"] + bests["ask"]
    changes: FloatArray = np.diff(twice_mid) / 2
    return changes
