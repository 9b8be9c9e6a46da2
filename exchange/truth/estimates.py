"""Estimates beside their exact values, with standard errors."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MOST_BATCHES = 64


class Estimate(NamedTuple):
    name: str
    estimate: float
    exact: float
    standard_error: float
    """Of the estimate. 0: the estimate must be exact."""

    @property
    def z(self) -> float:
        """The deviation in standard errors."""
        deviation = self.estimate - self.exact
        if deviation == 0:
            return 0.0
        return deviation / self.standard_error if self.standard_error else math.inf


def ratio(name: str, values: Floats, expected: Floats, weights: Floats) -> Estimate:
    """Estimate sum(values) / sum(weights), where E[values] = `expected`, all of shape (n,).

    The standard error is that of the means of batches of consecutive values, so it holds for
    values whose memory is short compared with n / MOST_BATCHES. sum(weights) must be positive.
    """
    total = weights.sum()
    residuals = values - expected
    batches = min(MOST_BATCHES, len(residuals))
    sums = np.add.reduceat(residuals, np.linspace(0, len(residuals), batches, False).astype(int))
    error = math.sqrt(batches * float(np.var(sums, ddof=1))) if batches > 1 else math.inf
    return Estimate(
        name, float(values.sum() / total), float(expected.sum() / total), error / float(total)
    )


def mean(name: str, values: Floats, expected: Floats) -> Estimate:
    """Estimate the mean of values with E[values] = `expected`; see `ratio`."""
    return ratio(name, values, expected, np.ones(len(values)))


def events(name: str, happened: npt.NDArray[np.bool_], probability: Floats) -> Estimate:
    """Estimate the share of events, each of which had a known probability given all before it."""
    n = len(happened)
    error = math.sqrt(float((probability * (1 - probability)).sum())) / n
    return Estimate(name, float(happened.mean()), float(probability.mean()), error)
