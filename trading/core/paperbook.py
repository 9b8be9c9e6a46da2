"""A book of paper orders over the market data of a venue: fills by position in the queue.

The orders of the venue are real, ours are not: the venue's levels never contain them. An order that
joins a level waits behind all that rests there. Trades at the level take what is ahead of it first,
and cancellations are assumed to be spread evenly over the level. A trade beyond its price, or a
level that crosses it, fills it.

Each lot of the venue serves one paper order: what ours have taken of a level is not offered again
until the level shrinks below it. Known bias: the venue does not react to paper orders, so there is
no impact beyond that. Trades must arrive before the change of the level that they cause.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from exchange.engine.messages import BUY, SELL
from venues.brokers import Style


@dataclass(slots=True, kw_only=True)
class PaperOrder:
    """An order of ours. `ahead` are the venue's lots that trade before it at its price."""

    client_id: str
    side: int
    style: Style
    lots: int
    ticks: int = 0
    filled: int = 0
    ahead: int = 0

    @property
    def leaves(self) -> int:
        return self.lots - self.filled


class PaperFill(NamedTuple):
    client_id: str
    ticks: int
    lots: int
    is_maker: bool


class WouldTakeError(ValueError):
    """A post-only order would have traded at once."""


@dataclass(slots=True)
class Level:
    """What the venue shows at a price, and what became of it since its last change."""

    lots: int = 0
    taken: int = 0
    """By paper orders."""
    traded: int = 0
    """By trades of the venue that its next change will contain."""

    @property
    def offered(self) -> int:
        return max(0, self.lots - self.taken)


class PaperBook:
    """One instrument."""

    def __init__(self) -> None:
        self._levels: dict[int, defaultdict[int, Level]] = {
            BUY: defaultdict(Level),
            SELL: defaultdict(Level),
        }
        self._resting: dict[str, PaperOrder] = {}

    @property
    def resting(self) -> list[PaperOrder]:
        """Return the open orders, oldest first."""
        return list(self._resting.values())

    def best(self, side: int) -> int | None:
        """Return the venue's best price of a side."""
        shown = [ticks for ticks, level in self._levels[side].items() if level.lots]
        return max(shown, key=lambda ticks: side * ticks, default=None)

    def middle(self) -> int | None:
        """Return the price between the best levels, rounded down; None if a side is empty."""
        bid, ask = self.best(BUY), self.best(SELL)
        return None if bid is None or ask is None else (bid + ask) // 2

    def place(self, order: PaperOrder) -> list[PaperFill]:
        """Let an order arrive: it takes, and rests unless it is a market order.

        Raise WouldTakeError for a post-only order that crosses.
        """
        opposite = self.best(-order.side)
        if order.style is Style.POST_ONLY and self._reaches(order, opposite):
            raise WouldTakeError(f"a post-only order at {order.ticks} would trade at {opposite}")
        fills = list(self._take(order))
        if order.leaves and order.style is not Style.MARKET:
            order.ahead = self._levels[order.side][order.ticks].lots
            self._resting[order.client_id] = order
        return fills

    def show(self, side: int, ticks: int, lots: int) -> None:
        """Set a level without filling anything: the venue's book as it was."""
        self._levels[side][ticks].lots = lots

    def retake(self, side: int, ticks: int, taken: int, traded: int) -> None:
        """Note what was taken of a level, and traded there, before."""
        level = self._levels[side].get(ticks)
        if level is not None:
            level.taken, level.traded = min(taken, level.lots), traded

    def rest(self, order: PaperOrder) -> None:
        """Let an order rest where it rested before."""
        self._resting[order.client_id] = order

    def touched(self) -> list[tuple[int, int, Level]]:
        """Return side, price and level where something was taken or traded since its change."""
        return [
            (side, ticks, level)
            for side, levels in self._levels.items()
            for ticks, level in levels.items()
            if level.taken or level.traded
        ]

    def cancel(self, client_id: str) -> PaperOrder | None:
        """Remove an order; return it, None if it does not rest."""
        return self._resting.pop(client_id, None)

    def reduce(self, client_id: str, lots: int) -> None:
        """Make a resting order smaller; it keeps its place."""
        order = self._resting[client_id]
        if not order.filled < lots <= order.lots:
            raise ValueError(f"{lots} lots: use {order.filled + 1} to {order.lots}")
        order.lots = lots

    def trade(self, side: int, ticks: int, lots: int) -> list[PaperFill]:
        """Note a trade of the venue, whose aggressor was `side`; return what it fills of ours."""
        self._levels[-side][ticks].traded += lots
        fills, left = [], lots
        for order in self._ranked(-side):
            beyond = order.side * (order.ticks - ticks)
            if beyond < 0 or not left:
                break
            if beyond > 0:
                order.ahead = 0
            passed = min(order.ahead, left)
            order.ahead -= passed
            size = min(order.leaves, left - passed)
            left -= size  # what is ahead of this order is ahead of the next one as well
            if size:
                fills.append(self._filled(order, order.ticks, size, is_maker=True))
        return fills

    def change(self, side: int, ticks: int, lots: int) -> list[PaperFill]:
        """Set a level of the venue; return the fills of our orders that it crosses."""
        level = self._levels[side][ticks]
        cancelled = max(0, level.lots - level.traded - lots)
        for order in self._resting.values():
            if (order.side, order.ticks) == (side, ticks):
                before = max(1, level.lots - level.traded)
                order.ahead = min(order.ahead - cancelled * order.ahead // before, lots)
        level.lots, level.taken, level.traded = lots, min(level.taken, lots), 0
        if not lots:
            del self._levels[side][ticks]
            return []
        return self._crossed(side, ticks, level)

    def _crossed(self, side: int, ticks: int, level: Level) -> list[PaperFill]:
        """Fill our orders that a new level of the other side would have traded with."""
        fills = []
        for order in self._ranked(-side):
            if order.side * (order.ticks - ticks) < 0 or not level.offered:
                break
            size = min(order.leaves, level.offered)
            level.taken += size
            fills.append(self._filled(order, order.ticks, size, is_maker=True))
        return fills

    def _take(self, order: PaperOrder) -> Iterator[PaperFill]:
        levels = self._levels[-order.side]
        for ticks in sorted(levels, key=lambda each: order.side * each):
            if not order.leaves or not self._reaches(order, ticks):
                return
            level = levels[ticks]
            if size := min(order.leaves, level.offered):
                level.taken += size
                yield self._filled(order, ticks, size, is_maker=False)

    def _reaches(self, order: PaperOrder, ticks: int | None) -> bool:
        """Return whether an order would trade at a price of the other side."""
        if ticks is None:
            return False
        return order.style is Style.MARKET or order.side * (order.ticks - ticks) >= 0

    def _ranked(self, side: int) -> list[PaperOrder]:
        """Return the resting orders of a side, the best price first, then the oldest."""
        mine = (order for order in self._resting.values() if order.side == side)
        return sorted(mine, key=lambda order: -side * order.ticks)

    def _filled(self, order: PaperOrder, ticks: int, lots: int, *, is_maker: bool) -> PaperFill:
        order.filled += lots
        if not order.leaves:
            self._resting.pop(order.client_id, None)
        return PaperFill(order.client_id, ticks, lots, is_maker)
