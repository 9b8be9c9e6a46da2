"""Resting sizes of books by price row, near the price. Pure."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple

import numpy as np

from exchange.depth.depthbook import Levels
from orderflow.clusters import Integers
from orderflow.steps import ladder_step

MOST_ROWS: Final = 500
"""Rows on each side of the price."""


class Window(NamedTuple):
    """Which rows are shown: so many on each side of the price, or within a percentage of it."""

    rows: int
    percent: Decimal | None = None


class Sizes(NamedTuple):
    """Lots that rest in consecutive rows; row j begins at (first_row + j) * step ticks."""

    first_row: int
    bids: Integers
    asks: Integers

    def signed(self) -> Integers:
        """Return the totals, negative where more asks than bids rest."""
        total: Integers = self.bids + self.asks
        return np.where(self.asks > self.bids, -total, total)


def doubled_price(bids: Levels, asks: Levels) -> int | None:
    """Return best bid plus best ask: twice the price. With one side, twice its best.

    None for an empty book.
    """
    best = [int(side.ticks[0]) for side in (bids, asks) if len(side.ticks)]
    return None if not best else best[0] + best[-1]


def within(doubled: int, percent: Decimal) -> tuple[int, int]:
    """Return the lowest and the highest price within a percentage of a price, in ticks."""
    price, share = Decimal(doubled) / 2, percent / 100
    low = (price * (1 - share)).to_integral_value(ROUND_CEILING)
    return int(low), int((price * (1 + share)).to_integral_value(ROUND_FLOOR))


def sizes(bids: Levels, asks: Levels, window: Window, step: int) -> Sizes | None:
    """Return what rests in the rows of a window around the price; None for an empty book."""
    doubled = doubled_price(bids, asks)
    if doubled is None:
        return None
    middle = doubled // 2 // step
    first, last = middle - window.rows, middle + window.rows
    if window.percent is not None:
        low, high = within(doubled, window.percent)
        first, last = max(first, low // step), min(last, high // step)
    count = last - first + 1
    return Sizes(first, *(_counted(side, step, first, count) for side in (bids, asks)))


def _counted(side: Levels, step: int, first: int, count: int) -> Integers:
    places = side.ticks // step - first
    shown = (places >= 0) & (places < count)
    found = np.zeros(count, np.int64)
    np.add.at(found, places[shown], side.lots[shown])
    return found


def shared_step(doubled: Sequence[int], most_rows: int) -> int:
    """Return the smallest step with which the price moves over at most so many rows."""
    if not doubled:
        return 1
    return ladder_step((max(doubled) - min(doubled)) / 2 / most_rows)


class Depth(NamedTuple):
    """Rows of one side, best first: their lowest prices in ticks, and the lots that rest there."""

    ticks: Integers
    lots: Integers


def depth(side: Levels, low: int, high: int, step: int) -> Depth:
    """Return the levels of a side with low <= ticks <= high as rows of `step` ticks."""
    shown = (side.ticks >= low) & (side.ticks <= high)
    rows = side.ticks[shown] // step * step
    first = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1]))) if len(rows) else rows
    return Depth(rows[first], np.add.reduceat(side.lots[shown], first) if len(rows) else rows)


def depth_step(sides: Sequence[Levels], low: int, high: int, most_rows: int) -> int:
    """Return the smallest step with which each side has at most so many rows."""
    step = 1
    while any(len(depth(side, low, high, step).ticks) > most_rows for side in sides):
        step = ladder_step(step + 1)
    return step
