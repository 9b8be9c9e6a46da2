"""Random book updates, and a slow, obvious book to compare with."""

import numpy as np

from exchange.blocks import UPDATE
from exchange.messages import BUY, SELL

START = 1_767_225_600_000_000
POSITIONED = np.dtype([*UPDATE.descr, ("slot", np.int64), ("event", np.int64)])


class NaiveBook:
    """A dictionary per side."""

    def __init__(self):
        self.sides = {BUY: {}, SELL: {}}

    def apply(self, updates):
        for row in updates:
            side = self.sides[int(row["side"])]
            if row["lots"]:
                side[int(row["ticks"])] = int(row["lots"])
            else:
                side.pop(int(row["ticks"]), None)

    def levels(self, side, most=None):
        found = sorted(self.sides[side].items(), reverse=side == BUY)
        return found[:most]

    @property
    def both(self):
        return self.levels(BUY), self.levels(SELL)


def naive_book(updates, until=None):
    """Return what the updates up to a time make from an empty book."""
    book = NaiveBook()
    book.apply(updates if until is None else updates[updates["at"] <= until])
    return book


def both_sides(book):
    """Return the levels of a Book as NaiveBook.both shows them."""
    return tuple(
        list(zip(*(column.tolist() for column in book.levels(side)), strict=True))
        for side in (BUY, SELL)
    )


def make_updates(count, seed=1, start=START):
    """Return updates of a book around 20,000 ticks; a quarter of them remove a level."""
    rng = np.random.default_rng(seed)
    updates = np.zeros(count, POSITIONED)
    updates["at"] = start + np.cumsum(rng.exponential(14_700, count).astype(np.int64))
    updates["side"] = rng.choice([BUY, SELL], count)
    distance = 1 + rng.exponential(30, count).astype(np.int64)
    updates["ticks"] = 20_000 - updates["side"] * distance
    updates["lots"] = np.where(rng.random(count) < 0.25, 0, rng.integers(1, 400, count))
    updates["slot"] = 1 + np.arange(count) // 68
    updates["event"] = 1 + np.arange(count) % 68
    return updates
