"""Reports of how a stretch of a simulated market agrees with its truth. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from exchange.flow.parameters import FlowParameters
from exchange.truth import exact
from exchange.truth.estimates import Estimate, events
from exchange.truth.exact import Sample
from exchange.truth.shape import DEPTH_LEVELS, BookSample, depth, expected_depth, impact, spread

Floats = npt.NDArray[np.float64]

WITHIN: Final = 4
"""Standard errors within which an estimate agrees with the exact value."""
FEWEST_BOOKS: Final = 64
NEAREST: Final = 5
"""The level from which on depth can be pooled over regimes; nearer ones depend on phi as well."""
SHAPE: Final = ("theta", "size", "orders", "i0", "mu", "levels")
"""Parameters on which the exponent of impact depends."""


class Point(NamedTuple):
    x: float
    estimate: float
    exact: float
    error: float
    """Half the interval of the estimate."""


class Plot(NamedTuple):
    """Estimates and exact values along one axis; `is_log` says how x is drawn."""

    x: str
    y: str
    points: Sequence[Point]
    is_log: bool = True


class Group(NamedTuple):
    """Estimates that belong together."""

    name: str
    title: str
    meaning: str
    rows: Sequence[Estimate]
    plot: Plot | None = None


class Claim(NamedTuple):
    """How often a predictor was right, and how often it expected to be."""

    slots: int
    claimed: float
    reached: float


@dataclass(frozen=True, kw_only=True)
class Report:
    groups: Sequence[Group]
    naive: Claim | None
    """The predictor that takes metaorders for information, in slots with informed flow."""
    market_orders: int
    books: int

    @property
    def rows(self) -> list[tuple[Group, Estimate]]:
        return [(group, row) for group in self.groups for row in group.rows]

    @property
    def differing(self) -> int:
        """Return how many estimates do not agree with their exact values."""
        return sum(not agrees(row) for _, row in self.rows)


def agrees(row: Estimate) -> bool:
    return abs(row.z) <= WITHIN


def report(sample: Sample, books: BookSample | None) -> Report:
    """Compare a sample, and books of the same slots, with their truth."""
    observed = 0 if books is None else len(books.slot)
    groups = [*groups_of_trades(sample)]
    if books is not None and observed >= FEWEST_BOOKS:
        groups += groups_of_books(books)
    return Report(
        groups=[group for group in groups if group.rows],
        naive=naive_claim(sample),
        market_orders=len(sample.side),
        books=observed,
    )


def groups_of_trades(sample: Sample) -> Iterator[Group]:
    yield Group(
        "price",
        "Price",
        "Each slot ends with a trade at the price of the law, whose steps have persistence φ.",
        [exact.last_prints(sample), exact.persistence(sample)],
    )
    rows = list(exact.signature(sample))
    yield Group(
        "signature",
        "Signature",
        "Variance of k steps per step: above 1 where the price trends, below 1 where it reverts.",
        rows,
        Plot("steps k", "variance / k", points(exact.SIGNATURE_SPANS, rows)),
    )
    rows = list(exact.sign_autocorrelation(sample))
    yield Group(
        "signs",
        "Signs of market orders",
        "Metaorders give the sides of orders a long memory, although it does not move the price.",
        rows,
        Plot("lag in orders", "correlation", points(exact.SIGN_LAGS, rows)),
    )
    yield Group(
        "runs",
        "Runs of one side",
        "How often the next order has the side of those before it, by the age of the run.",
        list(exact.run_lengths(sample)),
    )
    rows = list(exact.response(sample))
    yield Group(
        "response",
        "Response",
        "Mean move of the price l steps after a market order, in its direction, in ticks.",
        rows,
        Plot("steps l", "ticks", points(exact.RESPONSE_LAGS, rows), is_log=False),
    )
    yield Group(
        "costs",
        "Cost of a market order",
        "Effective half-spread = realised half-spread + adverse selection, in ticks.",
        list(exact.spread_components(sample)),
    )
    rows = list(exact.posterior(sample))
    bins = [(row.exact, row) for row in rows]
    yield Group(
        "prediction",
        "Prediction of the next step",
        "How often the price rises, by the probability that follows from the last step and the "
        "flow. No predictor does better than the side that it favours.",
        [*rows, *best_accuracy(sample)],
        Plot("probability", "share of up steps", points(*unzipped(bins)), is_log=False),
    )


def groups_of_books(books: BookSample) -> Iterator[Group]:
    yield Group(
        "spread",
        "Spread",
        "Just before a step: 2 ticks, or 1 if an order rests at the price itself.",
        [spread(books)],
    )
    rows = [row for level, row in zip(DEPTH_LEVELS, depth(books), strict=False) if level >= NEAREST]
    has_default_shape = all(
        getattr(books.parameters, name) == getattr(FlowParameters, name) for name in SHAPE
    )
    yield Group(
        "depth",
        "Depth",
        "Mean lots at levels, in ticks from the price, of both sides together. It is linear near "
        "the price, so the levels that an order reaches grow as the square root of its size.",
        [*rows, *([impact(books)] if has_default_shape else [])],
        Plot("level", "lots", profile(books)),
    )


def points(x: Iterable[float], rows: Sequence[Estimate]) -> list[Point]:
    """Return the points of rows, of which the last ones may be missing."""
    pairs = zip(x, rows, strict=False)
    return [Point(at, row.estimate, row.exact, WITHIN * row.standard_error) for at, row in pairs]


def unzipped(pairs: Sequence[tuple[float, Estimate]]) -> tuple[list[float], list[Estimate]]:
    return [at for at, _ in pairs], [row for _, row in pairs]


def profile(books: BookSample) -> list[Point]:
    """Return the mean depth at each level from the second on, without errors."""
    seen = books.lots[:, :, 1:].sum(axis=1).mean(axis=0)
    expected = expected_depth(books).mean(axis=0)
    levels = range(DEPTH_LEVELS[0], len(seen) + 1)
    return [Point(level, seen[level - 1], expected[level - 1], 0.0) for level in levels]


def best_accuracy(sample: Sample) -> Iterator[Estimate]:
    """How often the favoured side is right, where the probability is exact."""
    up, probability = exact.exact_posterior(sample)
    if len(up) >= exact.FEWEST_IN_A_BIN:
        right = (probability > 0.5) == up
        yield events("favoured side is right", right, np.maximum(probability, 1 - probability))


def naive_claim(sample: Sample) -> Claim | None:
    """Return what the posterior claims and reaches where metaorders make it overconfident."""
    if math.isinf(sample.alpha):
        return None
    chosen = sample.kappa[1:] > 0
    if chosen.sum() < exact.FEWEST_IN_A_BIN:
        return None
    probability = exact.probability_up(sample)[chosen]
    right = (probability > 0.5) == (sample.steps[1:] > 0)[chosen]
    claimed = np.maximum(probability, 1 - probability).mean()
    return Claim(int(chosen.sum()), float(claimed), float(right.mean()))
