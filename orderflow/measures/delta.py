"""Cumulative delta: what aggressors bought less what they sold."""

from dataclasses import dataclass
from typing import Final

from indicators.estimate import Estimate, RefusedError
from indicators.series import Series, length
from orderflow.measures.inputs import quantities, refuse_few, sides
from orderflow.measures.intervals import mean_interval

FEWEST_TRADES: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class DeltaEstimate(Estimate):
    """`bought`, `sold`: lots of aggressors; `share`: the value over their sum, -1 to 1."""

    bought: float = 0.0
    sold: float = 0.0
    share: float | None = None


def cumulative_delta(aggressors: Series, lots: Series) -> DeltaEstimate:
    """Return the sum of side x lots over trades, in lots.

    `aggressors`, shape (n,): 1 for a trade whose aggressor bought, -1 if it sold; `lots`, shape
    (n,), above 0. The value itself is exact. Its interval is for the expected delta of n trades of
    the same kind, e.g. 0 for a flow that favours neither side (Newey and West, fixed-b quantiles).

    Raises ValueError if the two differ in length. Source: as charts of footprints define it; the
    classification of trades, Lee and Ready, Inferring trade direction from intraday data, Journal
    of Finance 46 (1991), is not needed here, because trades name their aggressor.
    """
    try:
        side = sides(aggressors)
        quantity = quantities(lots, side.size)
        refuse_few(side.size, FEWEST_TRADES, "trades")
    except RefusedError as error:
        return DeltaEstimate(value=None, reason=str(error), n=length(aggressors))
    signed = side * quantity
    total, value = float(quantity.sum()), float(signed.sum())
    mean = mean_interval(signed)
    return DeltaEstimate(
        value=value,
        n=side.size,
        interval=None if mean is None else (mean[0] * side.size, mean[1] * side.size),
        bought=(total + value) / 2,
        sold=(total - value) / 2,
        share=value / total,
    )
