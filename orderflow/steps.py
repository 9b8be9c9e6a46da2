"""Price steps: a ladder of round numbers, and the step that follows volatility. Pure."""

from typing import Final

import numpy as np

from exchange.engine.kernel import inlined, kernel
from market.candles import Fields
from orderflow.clusters import Integers, integers

PERIOD: Final = 14
"""Candles of Wilder's average true range."""
FEWEST_ROWS: Final = 6.0
MOST_ROWS: Final = 24.0
"""The step stays while the average true range covers between so many and so many rows."""
WANTED_ROWS: Final = 16.0
"""Rows that a newly chosen step has at most; steps are at most 2.5 times the one before, so it has
more than 6.4 of them, and the next change is far away."""
LARGEST: Final = 10**6


def ladder_step(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 ... that is at least `least`."""
    step = 1
    while True:
        for multiple in (1, 2, 5):
            if multiple * step >= least:
                return multiple * step
        step *= 10


def following_steps(candles: Fields) -> Integers:
    """Return the step in force before each of n candles and after the last one, shape (n + 1,).

    `candles`: consecutive closed ones, with the fields high, low, close in ticks. Wilder's average
    of the true range begins with the mean of the first 14 (of those so far, while there are fewer).
    """
    found = np.empty(len(candles) + 1, np.int64)
    high, low, close = (integers(candles[name]) for name in ("high", "low", "close"))
    _follow(high, low, close, found)
    return found


@kernel
def _follow(high: Integers, low: Integers, close: Integers, found: Integers) -> None:
    average = 0.0
    step = 1
    found[0] = step
    for i in range(high.shape[0]):
        spread = high[i] - low[i]
        if i > 0:
            spread = max(spread, abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
        weight = min(i + 1, PERIOD)
        average += (spread - average) / weight
        if average > MOST_ROWS * step or (step > 1 and average < FEWEST_ROWS * step):
            step = _chosen(average / WANTED_ROWS)
        found[i + 1] = step


@inlined
def _chosen(least: float) -> int:
    step = 1
    digit = 0
    while step < least and step < LARGEST:
        step = step // 2 * 5 if digit == 1 else step * 2  # 1, 2, 5, 10
        digit = (digit + 1) % 3
    return step
