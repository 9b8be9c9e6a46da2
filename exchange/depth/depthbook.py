"""An order book as total quantities per price: updates, best levels, snapshots. Pure.

Level-2 books only: what each level consists of is known to the matching engine.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exchange.depth.blocks import Updates, matrix, rows_of
from exchange.engine.kernel import inlined, kernel
from exchange.engine.messages import BUY, SELL

_SIDES: Final = (BUY, SELL)
_FEWEST: Final = 256
"""Levels of a side for which there is room at first."""

Integers = NDArray[np.int64]


class Levels(NamedTuple):
    """Levels of one side, best first: prices in ticks, quantities in lots, shape (n,)."""

    ticks: Integers
    lots: Integers


class DepthBook:
    """The levels of both sides, changed by updates.

    A side is an ascending array of keys, the best at the end, where most changes are: the prices of
    bids, and the prices of asks with all bits inverted, which reverses the order of all integers.
    """

    def __init__(self) -> None:
        self._keys = np.empty((2, _FEWEST), np.int64)
        self._lots = np.empty((2, _FEWEST), np.int64)
        self._counts = np.zeros(2, np.int64)

    def __len__(self) -> int:
        """Return the number of levels of both sides."""
        return int(self._counts.sum())

    def apply(self, updates: Updates) -> None:
        """Set the levels to their new totals, in order; a total of 0 removes the level."""
        self._make_room(len(updates))
        _apply(self._keys, self._lots, self._counts, matrix(updates))

    def follow(self, updates: Updates) -> Integers:
        """Apply updates; return the best prices after each: bid, its lots, ask, its lots, (n, 4).

        0 lots: the side is empty, and its price is 0.
        """
        self._make_room(len(updates))
        bests = np.zeros((len(updates), 4), np.int64)
        _follow(self._keys, self._lots, self._counts, matrix(updates), bests)
        return bests

    def levels(self, side: int, most: int | None = None) -> Levels:
        """Return the best levels of a side, at most `most`."""
        row = _SIDES.index(side)
        count = int(self._counts[row])
        first = 0 if most is None else max(0, count - most)
        keys = self._keys[row, first:count][::-1]
        lots = self._lots[row, first:count][::-1]
        return Levels(keys.copy() if side == BUY else ~keys, lots.copy())

    def best(self, side: int) -> int | None:
        """Return the best price of a side in ticks; None if the side is empty."""
        ticks = self.levels(side, 1).ticks
        return int(ticks[0]) if len(ticks) else None

    def equals(self, other: "DepthBook") -> bool:
        """Return whether both books have the same levels."""
        return np.array_equal(self.snapshot(), other.snapshot())

    def snapshot(self) -> Updates:
        """Return updates (at time 0) that make this book from an empty one: bids, then asks."""
        rows = np.zeros((len(self), 4), np.int64)
        start = 0
        for side in _SIDES:
            ticks, lots = self.levels(side)
            part = rows[start : start + len(ticks)]
            part[:, 1], part[:, 2], part[:, 3] = side, ticks, lots
            start += len(ticks)
        return rows_of(rows)

    def _make_room(self, more: int) -> None:
        needed = int(self._counts.max()) + more
        if needed > self._keys.shape[1]:
            extra = max(needed, 2 * self._keys.shape[1]) - self._keys.shape[1]
            self._keys = np.pad(self._keys, ((0, 0), (0, extra)))
            self._lots = np.pad(self._lots, ((0, 0), (0, extra)))


def book_of(*parts: Updates) -> DepthBook:
    """Return the book that these updates make from an empty one."""
    book = DepthBook()
    for updates in parts:
        book.apply(updates)
    return book


@kernel
def _apply(keys: Integers, lots: Integers, counts: Integers, updates: Integers) -> None:
    """Apply rows of UPDATE, shape (n, 4), to sides with room for n more levels."""
    for i in range(updates.shape[0]):
        row = 0 if updates[i, 1] > 0 else 1
        key = updates[i, 2] if row == 0 else ~updates[i, 2]
        count = counts[row]
        at = _find(keys[row], count, key)
        exists = at < count and keys[row, at] == key
        if updates[i, 3] == 0:
            if exists:
                for moved in range(at, count - 1):
                    keys[row, moved] = keys[row, moved + 1]
                    lots[row, moved] = lots[row, moved + 1]
                counts[row] = count - 1
            continue
        if not exists:
            for moved in range(count, at, -1):
                keys[row, moved] = keys[row, moved - 1]
                lots[row, moved] = lots[row, moved - 1]
            keys[row, at] = key
            counts[row] = count + 1
        lots[row, at] = updates[i, 3]


@kernel
def _follow(
    keys: Integers, lots: Integers, counts: Integers, updates: Integers, bests: Integers
) -> None:
    """Apply rows of UPDATE one by one; note the best price and size of each side, shape (n, 4)."""
    for i in range(updates.shape[0]):
        _apply(keys, lots, counts, updates[i : i + 1])
        for row in range(2):
            best = counts[row] - 1
            if best >= 0:
                bests[i, 2 * row] = keys[row, best] if row == 0 else ~keys[row, best]
                bests[i, 2 * row + 1] = lots[row, best]


@inlined
def _find(keys: Integers, count: int, key: int) -> int:
    """Return the first index whose key is at least `key`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low
