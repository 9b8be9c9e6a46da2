"""The intervals of the measures of order flow in many simulated markets, for tests and benchmarks.

Each window is a market of its own. Intervals are compared with the exact value of the measure in
the window; under one phi and one kappa, where there is none, with the mean over all windows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from exchange.depth.depthbook import DepthBook
from exchange.flow.advances import Advance
from exchange.flow.market import BookMarket
from exchange.flow.parameters import FlowParameters
from exchange.flow.tests.markets import law_of, open_market
from indicators.catalogue import CATALOGUE, Value
from indicators.estimate import Estimate, IntArray
from orderflow.measures.bests import SlotRows, slot_rows
from orderflow.measures.entries import BESTS
from orderflow.measures.exact import EXACT, Law
from orderflow.measures.samples import Trades, trades_of
from orderflow.truths import LawSpans
from quotes.law.randomwalk import RegimeLaw

PRICE = 10**6
LOTS_OF_SLOT = 30
"""Every market trades more. VPIN has windows of equal volume, because its value depends on the
volume of a bucket: in windows of equal time, buckets differ, and no mean stands for all."""
Found = tuple[Estimate, float | None]
"""An estimate of a window, and its exact value there."""


class Variant(NamedTuple):
    name: str
    parameters: dict[str, Value]

    @property
    def label(self) -> str:
        given = CATALOGUE[self.name].parameters[1:]
        own = [f"{p.name} = {self.parameters[p.name]}" for p in given]
        return ", ".join([self.name, *own]).lower()


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
    """Of one measure: `held` of the intervals of `values` windows contain their true value.

    `exact`: its mean, None if the mean of the measure over the windows stands for it. `percent`:
    None if most windows have nothing to compare, or no value. A window may have an interval but no
    value.
    """

    percent: float | None
    exact: float | None
    mean: float | None
    values: int


@dataclass(frozen=True)
class Regimes:
    """The law of a live market: phi and kappa are drawn for each regime of about 300 slots."""

    def open(self, seed: int) -> BookMarket:
        return open_market(replace(law_of(seed, None, PRICE), regimes=RegimeLaw()))

    def spans(self, made: Advance) -> LawSpans:
        phis, shares = made.regimes["phi"].tolist(), made.flow["kappa"].tolist()
        laws = [
            Law(phi=phi, kappa=kappa, flow=FlowParameters())
            for phi, kappa in zip(phis, shares, strict=True)
        ]
        return LawSpans(made.regimes["first_seq"].copy(), laws)


@dataclass(frozen=True)
class OneLaw:
    """One phi and one kappa."""

    phi: float
    kappa: float

    def open(self, seed: int) -> BookMarket:
        return open_market(law_of(seed, self.phi, PRICE), informed=self.kappa)

    def spans(self, made: Advance) -> LawSpans:
        laws = [Law(phi=self.phi, kappa=self.kappa, flow=FlowParameters())]
        return LawSpans(made.quotes["seq"][:1], laws)


class Window(NamedTuple):
    """What the measures read of a market, and its laws."""

    trades: Trades
    bests: SlotRows
    slots: IntArray
    """(2,): the first and the last."""
    spans: LawSpans

    def measured(self, variant: Variant) -> Estimate:
        indicator = CATALOGUE[variant.name]
        rows = self.bests if indicator.reads == BESTS else self.trades
        if variant.name == "vpin":
            first, last = self.slots.tolist()
            rows = of_volume(rows, LOTS_OF_SLOT * (last - first + 1))
        return indicator.compute(rows, **variant.parameters)

    def exact(self, variant: Variant) -> float | None:
        if variant.name not in EXACT:
            return None
        first, last = self.slots[:1], self.slots[1:]
        return self.spans.values(EXACT[variant.name], variant.parameters, first, last)[0]


def of_volume(trades: Trades, lots: int) -> Trades:
    """Return the first trades that make up a volume; the last one is cut to fit."""
    volume = np.cumsum(trades["lots"])
    count = int(volume.searchsorted(lots)) + 1
    if count > len(trades):
        raise ValueError(f"{volume[-1]} lots were traded, fewer than {lots}: use a smaller volume")
    chosen = trades[:count].copy()
    chosen["lots"][-1] -= volume[count - 1] - lots
    return chosen


def windows(law: OneLaw | Regimes, seeds: Iterable[int], slots: int) -> Iterator[Window]:
    """Yield a window of the market of each seed: all slots but the first."""
    for seed in seeds:
        made = law.open(seed).run_slots(slots)
        at, seqs = made.quotes["at"], made.quotes["seq"]
        begun = made.updates["at"].searchsorted(at[0], "right")
        book = DepthBook()
        book.apply(made.updates[:begun])
        bests = slot_rows(book, made.updates[begun:], at)
        yield Window(trades_of(made.trades), bests, seqs[[1, -1]], law.spans(made))


def coverage(law: OneLaw | Regimes, seeds: Iterable[int], slots: int) -> dict[str, Coverage]:
    """Return the coverage of every variant over a window of each seed, by its label."""
    found: dict[str, list[Found]] = {variant.label: [] for variant in VARIANTS}
    for window in windows(law, seeds, slots):
        for variant in VARIANTS:
            found[variant.label].append((window.measured(variant), window.exact(variant)))
    return {label: counted(each, isinstance(law, OneLaw)) for label, each in found.items()}


def counted(found: list[Found], are_alike: bool) -> Coverage:
    """Count the windows; if they `are_alike`, a mean may stand for the exact value."""
    measured = [e.value for e, _ in found if e.value is not None]
    if len(measured) < len(found) / 2:
        return Coverage(None, None, None, len(measured))
    mean = float(np.mean(measured))
    compared = [(e.interval, exact) for e, exact in found if exact is not None]
    truth = float(np.mean([exact for _, exact in compared])) if compared else None
    if truth is None and are_alike:
        compared = [(e.interval, mean) for e, _ in found]
    intervals = [(interval, exact) for interval, exact in compared if interval is not None]
    if len(intervals) < len(found) / 2:
        return Coverage(None, None, mean, len(measured))
    held = [low <= exact <= high for (low, high), exact in intervals]
    return Coverage(100 * sum(held) / len(held), truth, mean, len(held))
