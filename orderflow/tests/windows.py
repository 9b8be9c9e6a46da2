"""The intervals of the measures of order flow in many simulated markets, for tests and benchmarks.

Each window is a market of its own, with one phi and one kappa. Intervals are compared with the
exact value of the measure; where there is none, with the mean of the measure over all windows.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from exchange.depth.depthbook import DepthBook
from exchange.flow.advances import Advance
from exchange.flow.parameters import FlowParameters
from exchange.flow.tests.markets import law_of, open_market
from indicators.catalogue import CATALOGUE, Value
from indicators.estimate import Estimate
from orderflow.measures.bests import SlotRows, slot_rows
from orderflow.measures.entries import BESTS
from orderflow.measures.exact import EXACT, Law
from orderflow.measures.samples import Trades, trades_of

PRICE = 10**6


class Variant(NamedTuple):
    name: str
    parameters: dict[str, Value]

    @property
    def label(self) -> str:
        given = CATALOGUE[self.name].parameters[1:]
        own = [f"{p.name} = {self.parameters[p.name]}" for p in given]
        return ", ".join([self.name, *own]).lower()

    def measure(self, trades: Trades, bests: SlotRows) -> Estimate:
        indicator = CATALOGUE[self.name]
        return indicator.compute(bests if indicator.reads == BESTS else trades, **self.parameters)


VARIANTS = (
    Variant("order_flow_imbalance", {}),
    Variant("vpin", {"buckets": 50}),
    Variant("kyle_lambda", {"count_orders": False}),
    Variant("kyle_lambda", {"count_orders": True}),
    Variant("amihud", {}),
    Variant("roll_spread", {}),
    Variant("effective_half_spread", {}),
    Variant("realised_half_spread", {"horizon": 1}),
    Variant("adverse_selection", {"horizon": 1}),
    Variant("adverse_selection", {"horizon": 5}),
    Variant("sign_persistence", {}),
    Variant("cumulative_delta", {}),
)


class Coverage(NamedTuple):
    """Of one measure in one market. `exact` is None if the mean over the windows stands for it."""

    truth: float
    exact: float | None
    mean: float
    values: int
    held: int

    @property
    def percent(self) -> float:
        return 100 * self.held / max(1, self.values)


def windows(phi: float, kappa: float, count: int, slots: int) -> Iterator[Advance]:
    """Yield the history of `count` markets."""
    for seed in range(1, count + 1):
        yield open_market(law_of(seed, phi, PRICE), informed=kappa).run_slots(slots)


def samples(made: Advance) -> tuple[Trades, SlotRows]:
    """Return what the measures read; slots of the book from the end of the first one on."""
    at, updates = made.quotes["at"], made.updates
    begun = updates["at"].searchsorted(at[0], "right")
    book = DepthBook()
    book.apply(updates[:begun])
    return trades_of(made.trades), slot_rows(book, updates[begun:], at)


def coverage(phi: float, kappa: float, count: int, slots: int) -> dict[str, Coverage]:
    """Return the coverage of every variant over `count` windows, by its label."""
    found: dict[str, list[Estimate]] = {variant.label: [] for variant in VARIANTS}
    for made in windows(phi, kappa, count, slots):
        trades, bests = samples(made)
        for variant in VARIANTS:
            found[variant.label].append(variant.measure(trades, bests))
    law = Law(phi=phi, kappa=kappa, flow=FlowParameters())
    return {variant.label: counted(variant, found[variant.label], law) for variant in VARIANTS}


def counted(variant: Variant, estimates: list[Estimate], law: Law) -> Coverage:
    exact = None
    if variant.name in EXACT:
        exact = EXACT[variant.name].of(law, variant.parameters)
    values = [e.value for e in estimates if e.value is not None]
    mean = float(np.mean(values)) if values else float("nan")
    truth = mean if exact is None else exact
    held = [e.interval is not None and e.interval[0] <= truth <= e.interval[1] for e in estimates]
    return Coverage(truth, exact, mean, len(values), sum(held))
