"""95 % intervals of means and ratios of correlated values.

Of values that remember for long: the variance is Newey and West's (Econometrica 55, 1987:
Bartlett's weights) with a bandwidth of half of the values, and the quantile is that of fixed-b
asymptotics (Kiefer and Vogelsang, A new asymptotic theory for heteroskedasticity-autocorrelation
robust tests, Econometric Theory 21, 2005), which allows for the randomness of such a variance. With
short bandwidths and normal quantiles, intervals are too short here, because metaorders make the
sides of trades remember for long. The interval is for an endless series of the same kind.

Of values that remember for a short time, in a window whose parameters may change: the variance is
that of the differences between neighbouring parts of the window (von Neumann, Kent, Bellinson and
Hart, The mean square successive difference, Annals of Mathematical Statistics 12, 1941), to which
slow changes add little. The interval is then for the mean parameters of the window itself.

Of few values that remember each other: the variance is the mean square of the first cosine
transforms, weighted equally, with Student's t (Lazarus, Lewis, Stock and Watson, HAR inference:
recommendations for practice, Journal of Business & Economic Statistics 36, 2018). It varies less
than the first one, whose quantiles hold for long series.
"""

from math import pi, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indicators.estimate import FloatArray, Interval
from indicators.quantiles import student_97_5

MOST_PARTS: Final = 100
"""Values are summed in parts of equal length, so that the cost does not grow with the square."""
FEWEST_VALUES: Final = 20
BANDWIDTH: Final = 0.5
"""Share of the values at which Bartlett's weights reach 0."""
QUANTILE: Final = 1.96 + 2.9694 * BANDWIDTH + 0.4160 * BANDWIDTH**2 - 0.5324 * BANDWIDTH**3
"""97.5 % (Kiefer and Vogelsang 2005, table 1)."""

COSINES: Final = 0.4
"""Cosine transforms are so many times the number of values to the power 2/3 (their equation 4)."""
FEWEST_COSINES: Final = 4

BLOCKS: Final = 16
MOST_SCATTER: Final = 32.0
"""Of `is_steady`: the 99 % quantile of chi-squared with 15 degrees of freedom is 30.6."""
MEMORY: Final = 1.1
"""Parts that share a metaorder differ too little. Calibrated on simulated markets other than those
of the published coverage (seeds 5,001 to 6,000)."""

Values = NDArray[Any]


def mean_interval(values: Values) -> Interval | None:
    """Return the interval of the mean of `values`, shape (n,); see `ratio_interval`."""
    return ratio_interval(values, np.ones(len(values)))


def cosine_interval(values: Values) -> Interval | None:
    """Return the interval of the mean of `values`, shape (n,), from their cosine transforms.

    None for fewer than 20 values.
    """
    if len(values) < FEWEST_VALUES:
        return None
    mean = float(np.mean(values))
    sums = part_sums(values - mean, min(MOST_PARTS, len(values)))
    n = len(sums)
    count = max(FEWEST_COSINES, int(COSINES * n ** (2 / 3)))
    moments = pi * np.outer(np.arange(1, count + 1), (np.arange(n) + 0.5) / n)
    transforms = sqrt(2) * (np.cos(moments) * sums).sum(axis=1)
    reach = student_97_5(count) * sqrt(float((transforms**2).mean())) / len(values)
    return mean - reach, mean + reach


def ratio_interval(numerators: Values, denominators: Values) -> Interval | None:
    """Return the interval of sum(numerators) / sum(denominators), both of shape (n,).

    It is that of the mean of the residuals, numerator - value x denominator (the delta method).
    None for fewer than 20 values, or if the denominators sum to 0.
    """
    total = float(np.sum(denominators))
    if len(numerators) < FEWEST_VALUES or total == 0:
        return None
    value = float(np.sum(numerators)) / total
    reach = QUANTILE * sqrt(long_run_sum(numerators - value * denominators)) / abs(total)
    return value - reach, value + reach


def window_interval(
    numerators: Values, denominators: Values, parts: int, widening: float = 1.0
) -> Interval | None:
    """Return the interval of sum(numerators) / sum(denominators) for the parameters of the window.

    `parts` of the window are compared, at least 6; each should be long compared with the memory of
    the values, and short compared with the changes of the parameters. Student's t with the 2/3 of
    the degrees of freedom that differences have. `widening` allows for what neighbouring parts have
    in common: MEMORY for values that metaorders correlate. None as for `ratio_interval`.
    """
    total = float(np.sum(denominators))
    if len(numerators) < max(parts, FEWEST_VALUES) or total == 0:
        return None
    value = float(np.sum(numerators)) / total
    steps = np.diff(part_sums(numerators - value * denominators, parts))
    variance = parts * float((steps * steps).sum()) / (2 * (parts - 1))
    reach = widening * student_97_5(2 * (parts - 1) / 3) * sqrt(variance) / abs(total)
    return value - reach, value + reach


def is_steady(values: Values, most: float = MOST_SCATTER) -> bool:
    """Return whether the means of 16 blocks of `values` differ no more than chance explains.

    They scatter by the chi-squared distribution with 15 degrees of freedom if the values have one
    mean and do not remember each other. Where they scatter more, a law has changed.
    """
    length = len(values) // BLOCKS
    if length < 2:
        return True
    blocks = np.asarray(values[: BLOCKS * length], np.float64).reshape(BLOCKS, length)
    noise = float(blocks.var(axis=1, ddof=1).mean()) / length
    means = blocks.mean(axis=1)
    return float(((means - means.mean()) ** 2).sum()) <= most * noise


def long_run_sum(residuals: Values) -> float:
    """Return the variance of the sum of `residuals`, of mean 0.

    Bartlett's weights 1 - k/m of the autocovariances at lag k are those of the mean square of
    moving sums of m values, which cannot be negative.
    """
    sums = part_sums(residuals, min(MOST_PARTS, len(residuals)))
    m = max(1, int(BANDWIDTH * len(sums)))
    moving = np.convolve(sums, np.ones(m))
    return float(moving @ moving) / m


def part_sums(values: Values, parts: int) -> FloatArray:
    """Return the sums of consecutive parts of equal length, give or take one value."""
    begins = np.arange(parts) * len(values) // parts
    return np.add.reduceat(np.asarray(values, np.float64), begins)
