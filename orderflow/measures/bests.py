"""The best prices of a book from slot to slot, as samples for order flow imbalance. Pure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from exchange.depth.blocks import Updates
from exchange.depth.depthbook import DepthBook
from exchange.matching import BUY, SELL
from indicators.estimate import IntArray, IntMatrix
from orderflow.measures.imbalance import BEST, Bests, contributions, mid_changes

SLOT: Final = np.dtype([("imbalance", np.float64), ("change", np.float64)])
"""Of a slot: the order flow imbalance in lots, and the change of the mid price in ticks."""

SlotRows = NDArray[np.void]


def slot_rows(book: DepthBook, updates: Updates, at: IntArray) -> SlotRows:
    """Return a row of SLOT for each slot from one of the times `at`, shape (n + 1,), to the next.

    `book` holds the levels at at[0], and afterwards those after the `updates` since then.
    """
    bid, ask = book.levels(BUY, 1), book.levels(SELL, 1)
    before = [int(column[0]) if len(column) else 0 for column in (*bid, *ask)]
    bests = bests_of(np.concatenate(([before], book.follow(updates))))
    ends = updates["at"].searchsorted(at[1:], "right")  # bests[ends] are those at at[1:]
    total = np.concatenate(([0.0], np.cumsum(contributions(bests))))[ends]
    slots = np.empty(len(at) - 1, SLOT)
    slots["imbalance"] = np.diff(total, prepend=0.0)
    slots["change"] = mid_changes(bests[np.concatenate(([0], ends))])
    return slots


def bests_of(numbers: IntMatrix) -> Bests:
    """Return rows of BEST from an array of their fields, shape (n, 4)."""
    return np.ascontiguousarray(numbers).view(BEST).reshape(-1)
