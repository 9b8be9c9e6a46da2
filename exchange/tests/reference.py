"""A slow, obvious book to compare with."""

from exchange.engine.messages import BUY, SELL


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
