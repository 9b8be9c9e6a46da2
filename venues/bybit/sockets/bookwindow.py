"""The best levels of a book as text: what subscribers hold, and what changed since. Pure."""

from collections.abc import Mapping
from typing import Final, Protocol

from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice

GONE: Final = "0"
"""The size of a level that is not, or no longer, among the best."""
Levels = list[tuple[str, str]]
"""Prices and sizes as text, best first."""


class Side(Protocol):
    def best(self, depth: int | None) -> list[tuple[float, float]]:
        """Return prices and quantities of the best levels, best first."""


class BookWindow:
    """The best `depth` levels of each side, as they were last sent.

    A price has one textual form, with the decimals of the tick size: clients compare texts.
    """

    def __init__(self, depth: int, lattice: Lattice) -> None:
        self._depth = depth
        self._price_digits = lattice.precision
        self._size_digits = lattice.quantities.precision
        self._shown: dict[int, dict[float, float]] = {BUY: {}, SELL: {}}

    def show(self, book: Mapping[int, Side]) -> tuple[Levels, Levels]:
        """Show the levels of `book`; return those of bids and asks that changed.

        Levels that left the window come first, with the size "0".
        """
        return self._show(BUY, book[BUY]), self._show(SELL, book[SELL])

    def levels(self, side: int) -> Levels:
        """Return everything that is shown of a side."""
        return [self._row(price, size) for price, size in self._shown[side].items()]

    def _show(self, side: int, levels: Side) -> Levels:
        before, now = self._shown[side], dict(levels.best(self._depth))
        if before == now:
            return []
        self._shown[side] = now
        gone = [(self._price(price), GONE) for price in before if price not in now]
        changed = (item for item in now.items() if before.get(item[0]) != item[1])
        return [*gone, *(self._row(price, size) for price, size in changed)]

    def _row(self, price: float, size: float) -> tuple[str, str]:
        return self._price(price), f"{size:.{self._size_digits}f}"

    def _price(self, price: float) -> str:
        return f"{price:.{self._price_digits}f}"
