"""The levels of a book as clients hold them, and what changed since. Pure."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final, Protocol

from exchange.engine.messages import BUY, SELL

NAMES: Final = {BUY: "bids", SELL: "asks"}
Change = tuple[str, float, float]
"""new, change or delete; price; amount (0 of a deleted level)."""


class Side(Protocol):
    def best(self, depth: int | None) -> list[tuple[float, float]]:
        """Return prices and quantities of the best levels, best first; None: all."""


Ladders = Mapping[int, Side]


class Shown:
    """All levels of a book, as they were last sent."""

    def __init__(self) -> None:
        self._levels: dict[int, dict[float, float]] = {BUY: {}, SELL: {}}

    def show(self, book: Ladders) -> dict[str, list[Change]]:
        """Show the levels of `book`; return what changed of bids and asks."""
        return {name: self._show(side, book[side]) for side, name in NAMES.items()}

    def all(self) -> dict[str, list[Change]]:
        """Return everything that is shown, as new levels."""
        return {
            name: [("new", price, amount) for price, amount in self._levels[side].items()]
            for side, name in NAMES.items()
        }

    def _show(self, side: int, levels: Side) -> list[Change]:
        before, now = self._levels[side], dict(levels.best(None))
        self._levels[side] = now
        gone: list[Change] = [("delete", price, 0.0) for price in before if price not in now]
        changed: list[Change] = [
            ("change" if price in before else "new", price, amount)
            for price, amount in now.items()
            if before.get(price) != amount
        ]
        return [*gone, *changed]


def grouped(book: Ladders, group: str, depth: int) -> dict[str, Any]:
    """Return the best `depth` levels whose prices are rounded to multiples of `group`.

    Bids are rounded down and asks up, so that no level is better than what rests there.
    """
    if group == "none":
        return {name: book[side].best(depth) for side, name in NAMES.items()}
    step = Decimal(group)
    return {name: _rounded(book[side], step, depth, side) for side, name in NAMES.items()}


def _rounded(side: Side, step: Decimal, depth: int, sign: int) -> list[tuple[float, float]]:
    rounding = ROUND_FLOOR if sign == BUY else ROUND_CEILING
    sums: dict[Decimal, Decimal] = {}
    for price, amount in side.best(None):
        level = (Decimal(str(price)) / step).to_integral_value(rounding) * step
        if level not in sums and len(sums) == depth:
            break
        sums[level] = sums.get(level, Decimal(0)) + Decimal(str(amount))
    return [(float(price), float(amount)) for price, amount in sums.items()]
