"""Exact values of the measures under the law and the background flow (docs/exchange.md). Pure.

With s[t] = L[t + 1] - L[t] the step that ends slot t, E[s[t] s[t + k]] = phi^k. A slot has Poisson
many market orders (mean m); each has the side s[t] with probability kappa, else that of its
metaorder. Two sides j market orders apart are then correlated by

    a = (1 - kappa)^2 C(j) + kappa^2 phi^d,

d slots apart, where C is the autocorrelation of metaorders. Where phi and kappa change, the
expectations are means over slots, and the measure is that of the means.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, sqrt
from typing import Any, Final

import numpy as np

from exchange.flow.metaorders import autocorrelation
from exchange.flow.parameters import FlowParameters
from indicators.estimate import FloatArray, FloatMatrix

MOST_ORDERS: Final = 60
"""Market orders of a slot that the sums count; more have probability 1e-14 at the largest mean."""
LARGEST_MEAN: Final = 20.0
NODES: Final = 24

Moments = tuple[float, ...]
Parameters = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Law:
    """What governs a slot: persistence, share of informed market orders, parameters of the flow."""

    phi: float
    kappa: float
    flow: FlowParameters

    @property
    def mean(self) -> float:
        return self.flow.market_orders


@dataclass(frozen=True)
class Exact:
    """An exact value: `value` of the means of `moments` over the slots; None if there is none."""

    moments: Callable[[Law, Parameters], Moments]
    value: Callable[..., float | None]

    def moments_of(self, laws: Sequence[Law], parameters: Parameters) -> FloatMatrix | None:
        """Return the moments of slots of each law, a row for each; None if there is none."""
        if not laws or any(law.mean > LARGEST_MEAN or law.mean <= 0 for law in laws):
            return None
        return np.array([self.moments(law, parameters) for law in laws])

    def of(self, law: Law, parameters: Parameters) -> float | None:
        """Return the value under one law."""
        moments = self.moments_of([law], parameters)
        return None if moments is None else self.value(*moments[0].tolist())


def response(phi: float, kappa: float, horizon: int) -> float:
    """Return E[side (L[t + horizon] - L[t])] of a market order in slot t."""
    return kappa * sum(phi**i for i in range(horizon))


@lru_cache(maxsize=64)
def counts(mean: float) -> FloatArray:
    """Return P(N = n) of the market orders of a slot, n = 0 ... MOST_ORDERS."""
    terms = [exp(-mean)]
    for n in range(1, MOST_ORDERS + 1):
        terms.append(terms[-1] * mean / n)
    return np.array(terms)


@lru_cache(maxsize=64)
def metaorder_correlations(alpha: float) -> FloatArray:
    """Return C(0), C(1) ... for all lags of the sums."""
    return np.array([autocorrelation(lag, alpha) for lag in range(2 * MOST_ORDERS + 1)])


def sign_correlation(law: Law) -> float:
    """Return the correlation of the sides of two successive market orders."""
    p0 = exp(-law.mean)
    same_slot = law.mean - 1 + p0
    next_slots = (1 - p0) ** 2 * law.phi / (1 - p0 * law.phi)
    noise = (1 - law.kappa) ** 2 * autocorrelation(1, law.flow.alpha)
    return noise + law.kappa**2 * (same_slot + next_slots) / law.mean


def squared_flow(law: Law) -> float:
    """Return E[(market orders to buy less those to sell in a slot)^2]."""
    probabilities, correlations = counts(law.mean), metaorder_correlations(law.flow.alpha)
    n = np.arange(MOST_ORDERS + 1)
    pairs = [float(np.maximum(n - lag, 0) @ probabilities) for lag in range(1, MOST_ORDERS + 1)]
    noise = (1 - law.kappa) ** 2 * correlations[1 : MOST_ORDERS + 1] + law.kappa**2
    return law.mean + 2 * float(np.array(pairs) @ noise)


@lru_cache(maxsize=64)
def at_law_level(flow: FlowParameters) -> FloatArray:
    """Return P(the first of n market orders trades a tick from L), n = 1 ... MOST_ORDERS.

    Otherwise an order of the other side rests at L. Orders for L arrive at rate `inside` while
    none rests there, of either side with equal probability, and are cancelled at rate theta; the
    first market order finds one with probability (1 - exp(-rT)) inside / (2 r), r = inside +
    theta. T, the first of n uniform times, has density n (1 - t)^(n - 1). (A cancellation chooses
    among the orders that rest now, while their number is drawn from those that rested when the slot
    began; the error that this makes is below 1e-4.)
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    t, weights = (nodes + 1) / 2, weights / 2
    rate = flow.inside + flow.theta
    occupied = (1 - np.exp(-rate * t)) * flow.inside / (2 * rate)
    n = np.arange(1, MOST_ORDERS + 1)[:, None]
    found: FloatArray = 1 - (n * (1 - t) ** (n - 1) * occupied * weights).sum(axis=1)
    return found


def share_at_law_level(law: Law) -> float:
    """Return the probability that the first market order of a slot trades a tick from L."""
    probabilities = counts(law.mean)[1:]
    return float(probabilities @ at_law_level(law.flow) / probabilities.sum())


def roll_covariance(law: Law) -> float:
    """Return the covariance of successive changes of the prices of the first orders of slots.

    Slots without a market order are skipped, so prices are g slots apart with P(g) = (1 - p) p^(g -
    1). A price is L + b, with b = 0 at L, else the side. F = E[phi^g]; A = E[1 + ... + phi^(g-1)].
    """
    phi, kappa, p0 = law.phi, law.kappa, exp(-law.mean)
    later = (1 - p0) * phi / (1 - p0 * phi)
    sums = (1 - later) / (1 - phi)
    at_level = share_at_law_level(law)
    steps = phi * sums**2
    crossed = at_level * kappa * (sums - phi * sums) * (1 - later)
    one, two = _noise_of_first_orders(law)
    one = (1 - kappa) ** 2 * one + (kappa * at_level) ** 2 * later
    two = (1 - kappa) ** 2 * two + (kappa * at_level) ** 2 * later**2
    return steps + crossed + 2 * one - two - at_level


def _noise_of_first_orders(law: Law) -> tuple[float, float]:
    """Return E[b b'] of noise for the first orders of one slot and the next, and the one after.

    They are as many market orders apart as the slots between have; the fewer there are, the later
    the first one comes, and the rather it finds an order at L.
    """
    correlations, at_level = metaorder_correlations(law.flow.alpha), at_law_level(law.flow)
    present = counts(law.mean)[1:]
    present = present / present.sum()
    weighted = present * at_level
    mean = float(weighted.sum())
    one = mean * float(weighted @ correlations[1 : MOST_ORDERS + 1])
    both = np.convolve(weighted, present)  # of n = 2, 3 ... market orders in two slots
    return one, mean * float(both @ correlations[2 : 2 * MOST_ORDERS + 1])


def _kyle_moments(law: Law, parameters: Parameters) -> Moments:
    has_memory = float(law.phi != 0)
    return law.kappa * law.mean, squared_flow(law), float(parameters["count_orders"]), has_memory


def _kyle(product: float, square: float, counts_orders: float, has_memory: float) -> float | None:
    """By lots, only the value 0 is known: how large an order is depends on what rests there.

    What rests there depends on the last step of the price, and with it, unless phi is 0, the next.
    """
    if counts_orders:
        return product / square
    return 0.0 if product == has_memory == 0 else None


EXACT: Final[Mapping[str, Exact]] = {
    "order_flow_imbalance": Exact(lambda law, _: (0.0,), float),
    "cumulative_delta": Exact(lambda law, _: (0.0,), float),
    "sign_persistence": Exact(lambda law, _: (sign_correlation(law),), float),
    "kyle_lambda": Exact(_kyle_moments, _kyle),
    "roll_spread": Exact(
        lambda law, _: (roll_covariance(law),), lambda c: 2 * sqrt(-c) if c < 0 else None
    ),
    "effective_half_spread": Exact(lambda law, _: (share_at_law_level(law),), float),
    "realised_half_spread": Exact(
        lambda law, given: (
            share_at_law_level(law) - response(law.phi, law.kappa, given["horizon"]),
        ),
        float,
    ),
    "adverse_selection": Exact(
        lambda law, given: (response(law.phi, law.kappa, given["horizon"]),), float
    ),
}
"""By the name of the measure; VPIN and Amihud's ratio have none, because it depends on sizes."""
