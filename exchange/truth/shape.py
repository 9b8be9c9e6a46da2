"""The truth of the shape of simulated books, beside what books show. Pure.

Books are observed just before the law's step that ends a slot. Orders of accounts change them, so
the estimates hold for the background flow alone.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from exchange.engine.messages import BUY, SELL
from exchange.flow.parameters import FlowParameters
from exchange.truth.estimates import MOST_BATCHES, Estimate, ratio
from market.kinds import Rows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

DEPTH_LEVELS = (2, 5, 10, 20, 50, 100)
MARGIN = 200
"""Levels beyond the last one of the flow that keep orders while the price moves away."""
IMPACT_LOTS = (500, 1000, 2000)
IMPACT_ALLOWANCE = 0.01
"""The exponent of impact is 1/2 only approximately, within this standard deviation."""


@dataclass(frozen=True)
class BookSample:
    """Books of some slots of a stretch of the law.

    `ticks` (n + 1,): the law's price before the stretch and after each slot; the stretch begins
    with a book at its target depth, or long before the first observation. `slot` (m,): of each
    book, counted from 0. `lots` (m, 2, levels + 1): of bids and asks, by distance from the law's
    price in ticks. `spread` (m,) in ticks.
    """

    ticks: Integers
    slot: Integers
    lots: Integers
    spread: Integers
    parameters: FlowParameters

    @property
    def receded(self) -> npt.NDArray[np.bool_]:
        """Whether the last step moved the price away from each side, shape (m, 2)."""
        step = np.diff(self.ticks, prepend=self.ticks[0])[self.slot]
        return np.stack((step == BUY, step == SELL), axis=1)


def lots_by_distance(bids: Rows, asks: Rows, law: int, levels: int) -> Integers:
    """Return the lots of bids and asks at distances 0 ... `levels` from the law, (2, levels + 1).

    `bids`, `asks`: rows with fields ticks and lots.
    """
    lots = np.zeros((2, levels + 1), np.int64)
    for row, side, found in zip(lots, (BUY, SELL), (bids, asks), strict=True):
        distance = side * (law - found["ticks"])
        near = (distance >= 0) & (distance <= levels)
        row[distance[near]] = found["lots"][near]
    return lots


def book_truth(sample: BookSample) -> list[Estimate]:
    return [spread(sample), *depth(sample), impact(sample)]


def spread(sample: BookSample) -> Estimate:
    """Before the step the spread is 1 or 2 ticks: the law levels, perhaps with an order between."""
    share = float(np.isin(sample.spread, (1, 2)).mean())
    return Estimate("spread of 1 or 2 ticks before the step", share, 1.0, 0.0)


def depth(sample: BookSample) -> Iterator[Estimate]:
    """Mean lots at some levels, both sides together."""
    expected = expected_depth(sample)
    for level in DEPTH_LEVELS:
        if level <= sample.parameters.levels:
            seen = sample.lots[:, :, level].sum(axis=1).astype(np.float64)
            ones = np.ones(len(seen))
            yield ratio(f"lots at level {level}", seen, expected[:, level - 1], ones)


def expected_depth(sample: BookSample) -> Floats:
    """Return the expected lots at levels 1, 2, ... of both sides, given the law, (m, levels).

    A step shifts the levels. Then, within a slot, the share 1 - exp(-theta) of the difference
    to the target depth is made up: orders are added at a rate and cancelled in proportion. Level
    1, where the flow trades, is taken as it was on average, by whether the side receded.
    """
    parameters, receded = sample.parameters, sample.receded
    target = np.pad(parameters.depth, (0, MARGIN))
    keep = math.exp(-parameters.theta)
    first = [sample.lots[:, :, 1][receded == away].mean() for away in (False, True)]
    sides = np.stack((target, target))
    expected, wanted = [], set(sample.slot.tolist())
    for slot, step in enumerate(np.diff(sample.ticks, prepend=sample.ticks[0])[:-1]):
        if slot > 0:
            away, near = (0, 1) if step > 0 else (1, 0)
            sides[away, 1:] = sides[away, :-1]
            sides[near, :-1] = sides[near, 1:]
            sides = keep * sides + (1 - keep) * target
            sides[away, 0], sides[near, 0] = first[True], first[False]
        if slot in wanted:
            expected.append(sides.sum(axis=0)[: parameters.levels])
    return np.array(expected)


def impact(sample: BookSample) -> Estimate:
    """Levels that a market order of Q lots reaches ~ Q^1/2, because depth is linear near the price.

    Valid for books of default depth; measured for Q = 500 ... 2,000.
    """
    batches = np.array_split(levels_reached(sample.lots), min(MOST_BATCHES, len(sample.lots)))
    exponents = [exponent(batch) for batch in batches]
    error = float(np.std(exponents)) / math.sqrt(len(exponents))
    return Estimate(
        "exponent of the levels that Q lots reach",
        exponent(np.concatenate(batches)),
        0.5,
        math.hypot(error, IMPACT_ALLOWANCE),
    )


def levels_reached(lots: Integers) -> Integers:
    """Return how many levels IMPACT_LOTS take, from the best price on, (m, 2, orders)."""
    best = (lots > 0).argmax(axis=2)
    total = lots.cumsum(axis=2)
    reached = [(total < q).sum(axis=2) - best + 1 for q in IMPACT_LOTS]
    return np.stack(reached, axis=2)


def exponent(levels: Integers) -> float:
    means = levels.mean(axis=(0, 1))
    return float(np.polyfit(np.log(IMPACT_LOTS), np.log(means), 1)[0])
