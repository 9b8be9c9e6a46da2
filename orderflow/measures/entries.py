"""The entries of the measures of order flow in the catalogue. Pure."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from indicators.catalogue import Cost, Indicator, Parameter
from indicators.estimate import Estimate, RollingEstimate
from indicators.rolling import rolling_ends
from orderflow.measures.delta import cumulative_delta
from orderflow.measures.exact import EXACT
from orderflow.measures.imbalance import order_flow_imbalance
from orderflow.measures.impact import amihud_illiquidity, kyle_lambda
from orderflow.measures.samples import Slots, orders_of, slots_of, trades_of
from orderflow.measures.signs import sign_persistence
from orderflow.measures.spreads import (
    adverse_selection,
    effective_half_spread,
    realised_half_spread,
    roll_spread,
)
from orderflow.measures.vpin import FEWEST_BUCKETS, vpin

TRADES: Final = "trades"
"""Reads rows with the fields of samples.TRADE."""
BESTS: Final = "bests"
"""Reads rows of bests.SLOT."""
MOST_BUCKETS: Final = 10_000
LONGEST_HORIZON: Final = 1_000


def of_delta(trades: Any) -> Estimate:
    rows = trades_of(trades)
    return cumulative_delta(rows["side"], rows["lots"])


def of_vpin(trades: Any, buckets: int) -> Estimate:
    rows = trades_of(trades)
    return vpin(rows["side"], rows["lots"], buckets)


def of_signs(trades: Any) -> Estimate:
    return sign_persistence(orders_of(trades_of(trades)).side)


def of_kyle(trades: Any, count_orders: bool) -> Estimate:
    slots = slots_of(trades_of(trades))
    flow = slots.net_orders if count_orders else slots.net_lots
    return kyle_lambda(flow, slots.after - slots.before)


def of_amihud(trades: Any) -> Estimate:
    slots = slots_of(trades_of(trades))
    return amihud_illiquidity(slots.after - slots.before, slots.volume)


def of_roll(trades: Any) -> Estimate:
    slots = slots_of(trades_of(trades))
    return roll_spread(slots.ticks[slots.side != 0])


def of_effective(trades: Any) -> Estimate:
    slots, _ = _first_orders(trades, 1)
    return effective_half_spread(slots.side, slots.ticks, slots.before)


def of_realised(trades: Any, horizon: int) -> Estimate:
    slots, later = _first_orders(trades, horizon)
    return realised_half_spread(slots.side, slots.ticks, later)


def of_adverse(trades: Any, horizon: int) -> Estimate:
    slots, later = _first_orders(trades, horizon)
    return adverse_selection(slots.side, slots.before, later)


def _first_orders(trades: Any, horizon: int) -> tuple[Slots, Any]:
    """Return the slots with market orders, and the quote `horizon` slots after each began."""
    slots = slots_of(trades_of(trades))
    later = slots.after[horizon - 1 :]
    chosen = slots.side[: later.size] != 0
    return Slots(*(column[: later.size][chosen] for column in slots)), later[chosen]


def of_imbalance(bests: Any) -> Estimate:
    if len(bests) == 0:
        return order_flow_imbalance([], [])
    return order_flow_imbalance(bests["imbalance"], bests["change"])


def rolled(compute: Callable[..., Estimate]) -> Callable[..., RollingEstimate]:
    """Return the rolling version of a measure: each window by itself."""

    def rolling(values: Any, window: int, step: int = 1, **parameters: Any) -> RollingEstimate:
        ends = rolling_ends(len(values), window, step)
        found = [compute(values[end - window : end], **parameters).value for end in ends]
        valid = np.array([value is not None for value in found])
        numbers = np.array([0.0 if value is None else value for value in found])
        return RollingEstimate(window=window, ends=ends, values=numbers, valid=valid)

    return rolling


def _entry(
    name: str,
    compute: Callable[..., Estimate],
    *parameters: Parameter,
    reads: str = TRADES,
    n: int = 10_000,
    **others: Any,
) -> Indicator:
    what = "trades" if reads == TRADES else "slots (times between two quotes)"
    size = Parameter(
        name="n", default=n, minimum=3, maximum=100_000, help=f"How many of the newest {what}."
    )
    return Indicator(
        name=name,
        reads=reads,
        parameters=(size, *parameters),
        compute=compute,
        rolling=rolled(compute),
        null_band=lambda n, **_: None,
        estimates_truth=name in EXACT,
        **others,
    )


HORIZON: Final = Parameter(
    name="horizon",
    default=1,
    minimum=1,
    maximum=LONGEST_HORIZON,
    help="Quotes after which the price is looked at again.",
)
ENTRIES: Final = (
    _entry(
        "order_flow_imbalance",
        of_imbalance,
        reads=BESTS,
        n=600,
        title="Order flow imbalance",
        help="What was added at the best bid and taken from the best ask, less the opposite: mean "
        "lots per slot (Cont-Kukanov-Stoikov). 0 if neither side presses.",
        null_value=0.0,
        domain=(-30.0, 30.0),
        cost=Cost(120.0, 0.02, reading=20.0),
    ),
    _entry(
        "vpin",
        of_vpin,
        Parameter(
            name="buckets",
            default=50,
            minimum=FEWEST_BUCKETS,
            maximum=MOST_BUCKETS,
            help="Buckets of equal volume.",
        ),
        title="VPIN",
        help="Mean of |bought - sold| / volume over buckets of equal volume, 0 to 1 (Easley, Lopez "
        "de Prado, O'Hara). Larger with one-sided flow.",
        null_value=None,
        domain=(0.0, 1.0),
        cost=Cost(70.0, 0.04),
    ),
    _entry(
        "kyle_lambda",
        of_kyle,
        Parameter(
            name="count_orders",
            kind="boolean",
            default=False,
            help="Count each market order as 1 instead of its lots.",
        ),
        title="Kyle's lambda",
        help="Price change per lot bought by market orders, slot by slot, in ticks. 0 if they know "
        "nothing of the next step.",
        null_value=0.0,
        domain=(-0.05, 0.05),
        cost=Cost(70.0, 0.08),
    ),
    _entry(
        "amihud",
        of_amihud,
        title="Amihud illiquidity",
        help="Mean of |price change| / volume over slots, in ticks per lot.",
        null_value=None,
        domain=(0.0, 0.1),
        cost=Cost(70.0, 0.08),
    ),
    _entry(
        "roll_spread",
        of_roll,
        title="Roll spread",
        help="2 sqrt(-covariance) of successive price changes, of the first market orders of "
        "slots, in ticks. The spread is 2 ticks; persistence and metaorders make it look smaller.",
        null_value=None,
        domain=(0.0, 4.0),
        cost=Cost(70.0, 0.08),
    ),
    _entry(
        "effective_half_spread",
        of_effective,
        title="Effective half-spread",
        help="What the first market order of a slot pays beyond the quote, in ticks.",
        null_value=None,
        domain=(0.5, 1.5),
        cost=Cost(70.0, 0.08),
    ),
    _entry(
        "realised_half_spread",
        of_realised,
        HORIZON,
        title="Realised half-spread",
        help="What remains of the effective half-spread with those who provided, once the price "
        "has moved, in ticks.",
        null_value=None,
        domain=(0.0, 2.0),
        cost=Cost(70.0, 0.08),
    ),
    _entry(
        "adverse_selection",
        of_adverse,
        HORIZON,
        title="Adverse selection",
        help="How far the price moves the way of the first market order of a slot, in ticks: with "
        "horizon 1 the share of informed orders.",
        null_value=0.0,
        domain=(-1.0, 1.0),
        cost=Cost(70.0, 0.08),
    ),
    _entry(
        "sign_persistence",
        of_signs,
        title="Trade-sign persistence",
        help="Autocorrelation of the sides of successive market orders, from the lengths of their "
        "runs. 0 for independent sides, 0.62 for metaorders with alpha = 1.5.",
        null_value=0.0,
        domain=(-1.0, 1.0),
        cost=Cost(40.0, 0.05),
    ),
    _entry(
        "cumulative_delta",
        of_delta,
        title="Cumulative delta",
        help="Lots that aggressors bought less those they sold. 0 on average if neither side "
        "presses.",
        null_value=0.0,
        domain=(-50_000.0, 50_000.0),
        cost=Cost(40.0, 0.01),
    ),
)
