"""VPIN: the volume-synchronised probability of informed trading."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from indicators.estimate import Estimate, FloatArray, Interval, RefusedError
from indicators.series import Series, check_whole, length
from orderflow.measures.inputs import Sides, quantities, refuse_few, sides
from orderflow.measures.intervals import cosine_interval

FEWEST_BUCKETS: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class VpinEstimate(Estimate):
    """`buckets`: how many, each of `bucket_lots` lots."""

    buckets: int = 0
    bucket_lots: float = 0.0


def vpin(aggressors: Series, lots: Series, buckets: int = 50) -> VpinEstimate:
    """Return the mean of |bought - sold| / volume over buckets of equal volume, 0 to 1.

    `aggressors`, shape (n,): 1 (buy) or -1 (sell); `lots`, shape (n,), above 0. A trade that fills
    a bucket is continued in the next one. The sides are those of the trades, not guessed from
    price changes as in the paper. The interval is for the value of an endless flow of the same
    kind, in buckets of this volume (cosine transforms).

    Raises ValueError for fewer than 2 buckets, or arguments of different lengths. Source: Easley,
    Lopez de Prado, O'Hara, Flow toxicity and liquidity in a high-frequency world, Review of
    Financial Studies 25 (2012).
    """
    check_whole(buckets=buckets)
    if buckets < FEWEST_BUCKETS:
        raise ValueError(f"buckets {buckets}: use {FEWEST_BUCKETS} or more")
    try:
        side = sides(aggressors)
        quantity = quantities(lots, side.size)
        refuse_few(side.size, buckets, "trades")
    except RefusedError as error:
        return VpinEstimate(value=None, reason=str(error), n=length(aggressors), buckets=buckets)
    shares = bucket_imbalances(side, quantity, buckets)
    return VpinEstimate(
        value=float(shares.mean()),
        n=side.size,
        interval=_within(cosine_interval(shares)),
        buckets=buckets,
        bucket_lots=float(quantity.sum()) / buckets,
    )


def bucket_imbalances(side: Sides, lots: FloatArray, buckets: int) -> FloatArray:
    """Return |bought - sold| / volume of each bucket, shape (buckets,).

    Within a trade, what was bought grows with the volume in proportion: so it can be interpolated.
    """
    volume = np.concatenate(([0.0], np.cumsum(lots)))
    delta = np.concatenate(([0.0], np.cumsum(side * lots)))
    ends = np.linspace(0, volume[-1], buckets + 1)
    imbalances: FloatArray = np.abs(np.diff(np.interp(ends, volume, delta))) / ends[1]
    return np.minimum(imbalances, 1.0)


def _within(interval: Interval | None) -> Interval | None:
    return None if interval is None else (max(0.0, interval[0]), min(1.0, interval[1]))
