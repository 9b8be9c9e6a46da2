"""Persistence of the signs of market orders, whose runs have heavy tails."""

from dataclasses import dataclass
from math import atanh, isfinite, sqrt, tanh
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indicators.estimate import Estimate, FloatArray, Interval, RefusedError
from indicators.quantiles import NORMAL_97_5
from indicators.series import Series, length
from orderflow.measures.inputs import Sides, refuse_few, sides
from orderflow.measures.intervals import is_steady, window_interval

FEWEST_RUNS: Final = 25
TAIL: Final = 1.25
"""The tail is fitted to the longest 1.25 n^(2/3) of n runs; the power is that of Hall (1982)."""
SMALLEST_EXPONENT: Final = 1.1
"""A run has a finite mean only if its tail exponent is above 1."""
STEADY_PARTS: Final = 8
"""Long ones, because runs are: the last of a window may take a third of it."""
PARTS: Final = 20
"""Of a window in which the lengths change."""
MOST_SCATTER: Final = 25.0
"""Of `is_steady`: the 95 % quantile of chi-squared with 15 degrees of freedom."""
EXTRA: Final = 24.0
"""The interval of the plain mean of n runs is wider by the share 24 / sqrt(n): the fewer runs there
are, the more often a heavy tail passes for a short one. Calibrated, like the other numbers, on
simulated markets other than those of the published coverage (docs/measures.md)."""

Lengths = NDArray[np.int64]


class Tail(NamedTuple):
    """P(length > l) ~ (start / l)^exponent above the integer start - 1/2; `mean` of such lengths.

    `exceeds`, `logs` (m,): whether each run is in the tail, and ln(length / start) if so.
    """

    start: float
    exponent: float
    exceeds: NDArray[np.bool_]
    logs: FloatArray

    @property
    def mean(self) -> float:
        return self.start * self.exponent / (self.exponent - 1)

    @property
    def is_pareto(self) -> bool:
        """Whether the logs scatter as exponential ones do, whose deviation equals their mean.

        A shorter tail makes their coefficient of variation smaller than 1 (del Castillo, Daoudi and
        Lockhart 2014), whose standard error is 1 / sqrt(m) then. A test at the level of 2.5 %.
        """
        logs = self.logs[self.exceeds]
        if logs.size < 2:
            return False
        variation = float(logs.std(ddof=1) / logs.mean())
        return sqrt(logs.size) * (variation - 1) >= -NORMAL_97_5


@dataclass(frozen=True, kw_only=True, slots=True)
class SignEstimate(Estimate):
    """`autocorrelation`: of the n signs themselves; `runs`: complete ones; `tail_exponent`: theirs.

    Metaorders with P(length > l) ~ l^-alpha make runs with that exponent, and a sign
    autocorrelation that decays as lag^-(alpha - 1).
    """

    autocorrelation: float | None = None
    runs: int = 0
    tail_exponent: float | None = None


def sign_persistence(aggressors: Series) -> SignEstimate:
    """Return the lag-1 autocorrelation of the signs of market orders, 1 - 2 / E[run length].

    `aggressors`, shape (n,): 1 (buy) or -1 (sell), in order. A run is a longest sequence of equal
    signs. Orders that are split into pieces make runs of infinite variance, so that the plain
    autocorrelation is mostly too small and rarely far too large. E[run length] is therefore
    estimated as Peng does: the mean of the runs, but for the longest of them a Pareto tail (Hill's
    estimator, which takes the last run as censored). Where these are too even for a Pareto tail,
    because other orders break them, it is the plain mean.

    The interval is that of the mean of the influence of each run on E[run length] (the delta
    method), on the scale of Fisher's z = ln((1 + r) / (1 - r)) / 2 = ln(E[run length] - 1) / 2, for
    the parameters of the window (successive differences of 8 parts, or of 20 if the lengths change
    within the window).

    Null band: independent signs. Sources: Lillo and Farmer, The long memory of the efficient
    market, Studies in Nonlinear Dynamics & Econometrics 8 (2004); Peng, Estimating the mean of a
    heavy tailed distribution, Statistics & Probability Letters 52 (2001); Hill, Annals of
    Statistics 3 (1975); Hall, On some simple estimates of an exponent of regular variation, Journal
    of the Royal Statistical Society B 44 (1982); del Castillo, Daoudi and Lockhart, Methods to
    distinguish between polynomial and exponential tails, Scandinavian Journal of Statistics 41
    (2014).
    """
    try:
        side = sides(aggressors)
        lengths, rest = runs_of(side)
        refuse_few(lengths.size, FEWEST_RUNS, "runs of equal signs")
    except RefusedError as error:
        return SignEstimate(value=None, reason=str(error), n=length(aggressors))
    tail = tail_of(lengths, rest)
    if tail.is_pareto:
        influence, widening = influence_on_mean(lengths, tail), 1.0
    else:
        influence, widening = lengths.astype(np.float64), 1 + EXTRA / sqrt(lengths.size)
    parts = STEADY_PARTS if is_steady(np.log(lengths), MOST_SCATTER) else PARTS
    interval = window_interval(influence, np.ones(influence.size), parts, widening)
    mean = float(influence.mean())
    band = NORMAL_97_5 / sqrt(side.size - 1)
    return SignEstimate(
        value=autocorrelation_of(mean),
        n=side.size,
        interval=_on_fishers_scale(mean, interval),
        null_band=(-band, band),
        autocorrelation=float((side[1:] * side[:-1]).mean()),
        runs=lengths.size,
        tail_exponent=tail.exponent if isfinite(tail.exponent) else None,
    )


def autocorrelation_of(mean_length: float) -> float:
    """Return the autocorrelation: a sign turns once in each run."""
    return 1 - 2 / max(1.0, mean_length)


def runs_of(side: Sides) -> tuple[Lengths, int]:
    """Return the lengths of the complete runs, and that of the last one so far.

    The first one is left out: it began before the window.
    """
    turns = np.flatnonzero(np.diff(side)) + 1
    return np.diff(turns), int(side.size - turns[-1]) if turns.size else side.size


def tail_of(lengths: Lengths, rest: int) -> Tail:
    """Fit the tail of the longest runs; `rest` is the length of a run that goes on."""
    most = int(TAIL * lengths.size ** (2 / 3))
    start = float(np.sort(lengths)[-most]) + 0.5
    exceeds = lengths > start
    logs = np.where(exceeds, np.log(np.maximum(lengths, start) / start), 0.0)
    censored = np.log(rest / start) if rest > start else 0.0
    total = float(logs.sum()) + float(censored)
    exponent = float(exceeds.sum()) / total if total > 0 else np.inf
    return Tail(start, max(SMALLEST_EXPONENT, exponent), exceeds, logs)


def influence_on_mean(lengths: Lengths, tail: Tail) -> FloatArray:
    """Return values, one for each run, whose mean is E[length] and whose spread is that of it."""
    exponent = tail.exponent
    slope = -tail.start / (exponent - 1) ** 2
    of_exponent = np.where(tail.exceeds, exponent - exponent**2 * tail.logs, 0.0)
    of_exponent -= of_exponent.mean()
    values: FloatArray = np.where(tail.exceeds, tail.mean, lengths) + slope * of_exponent
    return values


def _on_fishers_scale(mean: float, interval: Interval | None) -> Interval | None:
    """Return the interval of the autocorrelation, of equal reach on both sides of Fisher's z."""
    if interval is None:
        return None
    value, reach = autocorrelation_of(mean), interval[1] - mean
    if reach == 0:  # e.g. all runs are equally long
        return value, value
    z, reach_of_z = atanh(value), reach / (2 * (mean - 1))
    return tanh(z - reach_of_z), tanh(z + reach_of_z)
