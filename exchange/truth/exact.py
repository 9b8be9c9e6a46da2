"""The truth of a simulated market beside what its quotes and trades show. Pure.

Every function takes a `Sample` and returns estimates with their exact values and standard errors.
Persistence and informed share may differ from slot to slot: exact values are means over the slots
of the sample, of what they are in each. The formulas do not hold for a price that was reflected
at one tick. The background flow alone is judged; orders of accounts are left out.

With s[t] the direction of the step that ends slot t, phi[t] the persistence that decided it,
kappa[t] the share of informed market orders, L[t] the law's price before the slot.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from exchange.flow.metaorders import autocorrelation, continuation, tail
from exchange.flow.slotevents import MARKET_ORDERS, lanes
from exchange.truth.estimates import Estimate, events, mean, ratio
from market.kinds import Rows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SIGNATURE_SPANS = (2, 5, 10, 50)
SIGN_LAGS = (1, 2, 5, 10, 20, 50, 100)
RESPONSE_LAGS = (1, 2, 5)
RUN_AGES = ((1, 1), (2, 4), (5, 19), (20, 200))
POSTERIOR_BINS = 8
FEWEST_IN_A_BIN = 100


@dataclass(frozen=True)
class Sample:
    """Consecutive slots, and the market orders of the background flow within them, in order.

    Arrays: `ticks` (n + 1,), before the first slot and after each; `phi`, `kappa` (n,); `slot`
    (m,) counted from 0, `side` (m,) and `price` (m,) of each market order.
    """

    ticks: Integers
    phi: Floats
    kappa: Floats
    slot: Integers
    side: Integers
    price: Integers
    alpha: float
    last_prints: Integers
    """(n,): the price of the last trade of each slot."""

    @property
    def steps(self) -> Integers:
        return np.diff(self.ticks)

    @property
    def net(self) -> Integers:
        """Market orders to buy minus those to sell in each slot, shape (n,)."""
        return np.bincount(self.slot, self.side, len(self.phi)).astype(np.int64)


def sample_of(
    ticks: Integers, phi: Floats, kappa: Floats, alpha: float, first_slot: int, trades: Rows
) -> Sample:
    """Return the sample of n slots from `first_slot` on; see Sample.

    `trades`: all TRADES rows of these slots, ascending by seq. Raise ValueError for fewer than two
    slots, or if a slot has no trade.
    """
    if len(phi) < 2:
        raise ValueError(f"a sample of {len(phi)} slots: use at least 2")
    ends = np.searchsorted(trades["slot"], first_slot + np.arange(len(phi)), side="right") - 1
    if not np.array_equal(trades["slot"][ends], first_slot + np.arange(len(phi))):
        raise ValueError(f"a slot from {first_slot} on has no trade: pass all trades of the slots")
    taken = trades[(trades["taker"] > 0) & (lanes(trades["taker"]) == MARKET_ORDERS)]
    orders = taken[np.flatnonzero(np.diff(taken["taker"], prepend=0))]
    slot = orders["slot"] - first_slot
    prints = trades["ticks"][ends]
    return Sample(ticks, phi, kappa, slot, orders["side"], orders["ticks"], alpha, prints)


def truth(sample: Sample) -> list[Estimate]:
    """Return all estimates for which the sample is large enough."""
    return [
        last_prints(sample),
        persistence(sample),
        *signature(sample),
        *sign_autocorrelation(sample),
        *run_lengths(sample),
        *response(sample),
        *spread_components(sample),
        *posterior(sample),
    ]


def last_prints(sample: Sample) -> Estimate:
    """The last trade of every slot is at the law's price."""
    same = sample.last_prints == sample.ticks[1:]
    return Estimate("last trade at the law's price", float(same.mean()), 1.0, 0.0)


def persistence(sample: Sample) -> Estimate:
    """E[s[t] s[t-1]] = phi[t]."""
    steps, phi = sample.steps, sample.phi[1:]
    estimate = float((steps[1:] * steps[:-1]).mean())
    error = math.sqrt(float((1 - phi**2).mean()) / len(phi))
    return Estimate("persistence", estimate, float(phi.mean()), error)


def signature(sample: Sample) -> Iterator[Estimate]:
    """Variance of k steps over k; (1 + phi) / (1 - phi) - 2 phi (1 - phi^k) / (k (1 - phi)^2).

    With phi[t], V(k, t) = V(k-1, t+1) + 1 + 2 A(k-1, t), where A = E[s[t] (L[t+k] - L[t+1])].
    """
    variance = np.ones(len(sample.phi))
    for k in range(2, min(max(SIGNATURE_SPANS), len(sample.phi)) + 1):
        variance = variance[1:] + 1 + 2 * (expected_moves(sample.phi, k)[: len(variance) - 1] - 1)
        if k in SIGNATURE_SPANS:
            moves = sample.ticks[k:] - sample.ticks[:-k]
            yield mean(f"variance of {k} steps / {k}", moves**2 / k, variance / k)


def expected_moves(phi: Floats, span: int) -> Floats:
    """Return E[s[t] (L[t + span] - L[t])] for each t at which the span fits.

    1 + phi[t+1] (1 + phi[t+2] (1 + ...)); with constant phi (1 - phi^span) / (1 - phi).
    """
    n = len(phi) - span + 1
    moves = np.ones(n)
    for i in range(span - 1, 0, -1):
        moves = 1 + phi[i : i + n] * moves
    return moves


def sign_autocorrelation(sample: Sample) -> Iterator[Estimate]:
    """C(lag) of metaorders, from pairs of market orders.

    The product of two signs is (1 - kappa)(1 - kappa') C if at least one is noise, plus that of
    the law's steps if both are informed. Long metaorders make the error shrink as m^((1-alpha)/2).
    """
    kappa, step = sample.kappa[sample.slot], sample.steps[sample.slot]
    for lag in SIGN_LAGS:
        if lag >= len(sample.side):
            return
        exact = autocorrelation(lag, sample.alpha)
        weights = (1 - kappa[lag:]) * (1 - kappa[:-lag])
        informed = kappa[lag:] * kappa[:-lag] * step[lag:] * step[:-lag]
        products = sample.side[lag:] * sample.side[:-lag] - informed
        row = ratio(f"sign autocorrelation, lag {lag}", products, exact * weights, weights)
        memory = (1 - exact) * memory_error(len(products), sample.alpha)
        yield row._replace(standard_error=math.hypot(row.standard_error, memory))


def memory_error(n: int, alpha: float) -> float:
    """Return the standard error that metaorders of infinite variance add to a mean of n signs.

    The share of the longest one varies: sqrt(alpha / (2 - alpha) / E[length] n^(1 - alpha)), and
    1.3 times that with the one in progress at first.
    """
    if alpha >= 2:
        return 0.0
    return 1.3 * math.sqrt(alpha / (2 - alpha) / tail(alpha, 1) * n ** (1 - alpha))


def run_lengths(sample: Sample) -> Iterator[Estimate]:
    """How often a run of market orders of one side continues, by its age; without informed flow.

    Unlike the autocorrelation it does not depend on the longest metaorder.
    """
    turns = np.flatnonzero(np.diff(sample.side)) + 1
    if len(turns) == 0:
        return
    order = np.arange(turns[0], len(sample.side) - 1)
    age = order - turns[np.searchsorted(turns, order, side="right") - 1] + 1
    noise = np.cumsum(sample.kappa[sample.slot] > 0)
    pure = noise[order + 1] == noise[order - age]
    continues = sample.side[order] == sample.side[order + 1]
    for youngest, oldest in RUN_AGES:
        chosen = pure & (age >= youngest) & (age <= oldest)
        if chosen.sum() >= FEWEST_IN_A_BIN:
            exact = continuation(age[chosen], sample.alpha)
            ages = f"{youngest}-{oldest}" if youngest < oldest else f"{youngest}"
            yield events(f"side continues after {ages}", continues[chosen], exact)


def response(sample: Sample) -> Iterator[Estimate]:
    """R(l) = E[side (L[t + l] - L[t])] = kappa (1 - phi^l) / (1 - phi)."""
    n = len(sample.phi)
    orders = np.bincount(sample.slot, minlength=n).astype(np.float64)
    for lag in RESPONSE_LAGS:
        if lag < n:
            moves = sample.ticks[lag:] - sample.ticks[:-lag]
            expected = sample.kappa[: n - lag + 1] * expected_moves(sample.phi, lag)
            weights = orders[: n - lag + 1]
            values = sample.net[: n - lag + 1] * moves
            if weights.sum() > 0:
                yield ratio(f"response R({lag})", values, expected * weights, weights)


def spread_components(sample: Sample) -> Iterator[Estimate]:
    """Effective = realised half-spread + adverse selection, in ticks: 1 = (1 - kappa) + kappa.

    Of the first market order of each slot if it trades at a law level. (That a later one does may
    be due to informed orders before it, which makes it informed a little more often.)
    """
    before = sample.ticks[sample.slot]
    is_first = np.diff(sample.slot, prepend=-1) > 0
    chosen = is_first & (sample.side * (sample.price - before) == 1)
    if not chosen.any():
        return
    side, slot = sample.side[chosen], sample.slot[chosen]
    kappa = sample.kappa[slot]
    effective = side * (sample.price[chosen] - before[chosen])
    realised = side * (sample.price[chosen] - sample.ticks[slot + 1])
    ones = np.ones(len(side))
    yield mean("effective half-spread", effective, ones)
    yield mean("realised half-spread", realised, 1 - kappa)
    yield mean("adverse selection", effective - realised, kappa)


def probability_up(sample: Sample) -> Floats:
    """Return the probability of an up step given the last step and the flow of the slot, (n - 1,).

    The log-odds s[t-1] ln((1 + phi) / (1 - phi)) + net ln((1 + kappa) / (1 - kappa)) are exact if
    signs of noise are independent (alpha is infinite) or kappa is 0. Otherwise they overstate what
    the flow tells, because a metaorder looks like information.
    """
    odds = sample.steps[:-1] * np.log((1 + sample.phi[1:]) / (1 - sample.phi[1:]))
    share = sample.kappa[1:]
    odds = odds + sample.net[1:] * np.log((1 + share) / (1 - share))
    return 1 / (1 + np.exp(-odds))


def exact_posterior(sample: Sample) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Return whether the price rose and `probability_up`, of the slots where that is exact."""
    up, probability = sample.steps[1:] > 0, probability_up(sample)
    exact = np.full(len(up), True) if math.isinf(sample.alpha) else sample.kappa[1:] == 0
    return up[exact], probability[exact]


def posterior(sample: Sample) -> Iterator[Estimate]:
    """How often the price rises where `probability_up` is exact, by bins of the probability."""
    up, probability = exact_posterior(sample)
    bins = np.minimum((probability * POSTERIOR_BINS).astype(int), POSTERIOR_BINS - 1)
    for i in range(POSTERIOR_BINS):
        if (bins == i).sum() >= FEWEST_IN_A_BIN:
            name = f"up step, probability {i / POSTERIOR_BINS}-{(i + 1) / POSTERIOR_BINS}"
            yield events(name, up[bins == i], probability[bins == i])
