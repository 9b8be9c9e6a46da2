"""Books as clients see them: decimal prices and quantities, all levels or the best ones. Pure."""

from bisect import bisect_left, insort
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from exchange.depth.blocks import Updates
from exchange.depth.depthbook import DepthBook
from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice

DEPTHS: Final = (1, 10, 50, 200, 500)
"""Levels of a side that a topic may be limited to, e.g. book.ES.10."""
Row = tuple[float, float]
"""A price and the total quantity there, 0 where the level is gone."""
FIELDS: Final = {BUY: "bids", SELL: "asks"}


class Ladder:
    """The levels of one side by price; `sign` 1 orders them ascending (asks), -1 descending."""

    def __init__(self, sign: int, rows: list[Row]) -> None:
        self._sign = sign
        self._quantities = dict(rows)
        self._keys = sorted(sign * price for price in self._quantities)

    def set(self, price: float, quantity: float) -> None:
        """Set the total at a price; 0 removes the level."""
        key = self._sign * price
        if quantity:
            if price not in self._quantities:
                insort(self._keys, key)
            self._quantities[price] = quantity
        elif self._quantities.pop(price, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def best(self, depth: int | None) -> list[Row]:
        """Return the best levels, best first; without a depth, all."""
        prices = (self._sign * key for key in islice(self._keys, depth))
        return [(price, self._quantities[price]) for price in prices]


class BookImage:
    """The book of a topic `book.SYMBOL`, changed by its deltas (live.images.Image)."""

    def __init__(self, book: DepthBook, lattice: Lattice, seq: int, at: int) -> None:
        """`seq` and `at` (microseconds): of the last block."""
        self.seq = seq
        self.at = at
        self.ladders = {
            side: Ladder(-side, level_rows(book, side, lattice, None)) for side in (BUY, SELL)
        }

    def apply(self, delta: Mapping[str, Any]) -> None:
        self.seq, self.at = delta["seq"], delta["at_us"]
        for side, ladder in self.ladders.items():
            for price, quantity in delta[FIELDS[side]]:
                ladder.set(price, quantity)

    def part(self, key: str) -> "BookPart":
        return BookPart(self, depth_of(key))


class BookPart:
    """The best levels of an image, or all of them (live.images.Part)."""

    def __init__(self, image: BookImage, depth: int | None) -> None:
        self._image = image
        self._depth = depth
        self._shown = {side: dict(image.ladders[side].best(depth)) for side in (BUY, SELL)}

    def content(self) -> dict[str, Any]:
        ladders = self._image.ladders
        levels = {FIELDS[side]: ladders[side].best(self._depth) for side in (BUY, SELL)}
        return {**self._moment(), **levels}

    def changes(self, delta: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the levels that appeared, changed or went out of sight."""
        changed = {FIELDS[side]: self._changes(side, delta[FIELDS[side]]) for side in (BUY, SELL)}
        return {**self._moment(), **changed} if any(changed.values()) else None

    def _moment(self) -> dict[str, int]:
        return {"at": self._image.at // 1000, "at_us": self._image.at}

    def _changes(self, side: int, rows: list[Row]) -> list[Row]:
        shown = self._shown[side]
        if not rows or self._is_deeper(side, rows):
            return []
        best = dict(self._image.ladders[side].best(self._depth))
        self._shown[side] = best
        gone = [(price, 0.0) for price in shown if price not in best]
        return [*gone, *(row for row in best.items() if shown.get(row[0]) != row[1])]

    def _is_deeper(self, side: int, rows: list[Row]) -> bool:
        """Return whether all these levels are behind the worst one that is shown."""
        shown = self._shown[side]
        if self._depth is None or len(shown) < self._depth:
            return False
        worst = side * next(reversed(shown))
        return all(side * price < worst for price, _ in rows)


def level_rows(book: DepthBook, side: int, lattice: Lattice, depth: int | None) -> list[Row]:
    """Return the best levels of a side as clients see them."""
    ticks, lots = book.levels(side, depth)
    prices, quantities = lattice.numbers(ticks), lattice.quantities.numbers(lots)
    return list(zip(prices.tolist(), quantities.tolist(), strict=True))


def changed_rows(updates: Updates, side: int, lattice: Lattice) -> list[Row]:
    """Return the levels of a side that updates change, with their last totals, best first."""
    own = updates[updates["side"] == side]
    totals = dict(zip(own["ticks"].tolist(), own["lots"].tolist(), strict=True))
    return [
        (lattice.number(ticks), lattice.quantities.number(totals[ticks]))
        for ticks in sorted(totals, reverse=side == BUY)
    ]


def depth_of(key: str) -> int | None:
    """Return the depth in a key such as ES.10; None for a whole book."""
    symbol, _, last = key.rpartition(".")
    return int(last) if symbol and last in map(str, DEPTHS) else None


def symbol_of(key: str) -> str:
    """Return the symbol in a key such as ES or ES.10."""
    return key if depth_of(key) is None else key.rpartition(".")[0]
