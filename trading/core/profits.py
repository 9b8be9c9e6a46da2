"""Profit and loss in whole MONEY_UNITS, by average cost and first in, first out.

Average cost is that of the exchange (exchange/clearing/positions.py), so realised profits equal its
ledger entry by entry. FIFO realises other amounts on the way; realised + unrealised are equal at
every moment, because both are the cash that flowed plus the value of what is held.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from exchange.clearing.positions import Position


class Fill(NamedTuple):
    """An execution. `side` is BUY 1 or SELL -1; the fee is in MONEY_UNITS, positive if paid."""

    side: int
    ticks: int
    lots: int
    fee: int = 0


class Method(Protocol):
    """A method of matching closing fills with opening ones."""

    @property
    def lots(self) -> int:
        """Return what is held, negative if short."""

    @property
    def cost(self) -> int:
        """Return what it cost at entry, with the sign of the lots."""

    def trade(self, fill: Fill, tick_value: int) -> int:
        """Apply a fill; return the profit that it realised."""


@dataclass(slots=True)
class AverageCost:
    """All lots of a position cost the same."""

    _position: Position = field(default_factory=Position)

    @classmethod
    def of(cls, lots: int, cost: int) -> "AverageCost":
        """Return a position that is held already."""
        return cls(Position(lots, cost))

    @property
    def lots(self) -> int:
        return self._position.lots

    @property
    def cost(self) -> int:
        return self._position.cost

    def trade(self, fill: Fill, tick_value: int) -> int:
        return self._position.trade(fill.side, fill.ticks, fill.lots, tick_value)


@dataclass(slots=True)
class FirstInFirstOut:
    """The oldest lots are closed first. Exact: nothing is divided."""

    _parcels: deque[tuple[int, int]] = field(default_factory=deque)
    """(signed lots, value per lot), oldest first."""

    @property
    def lots(self) -> int:
        return sum(lots for lots, _ in self._parcels)

    @property
    def cost(self) -> int:
        return sum(lots * value for lots, value in self._parcels)

    def trade(self, fill: Fill, tick_value: int) -> int:
        value, left, realised = fill.ticks * tick_value, fill.lots, 0
        while left and self._parcels and self._parcels[0][0] * fill.side < 0:
            held, entry = self._parcels[0]
            closed = min(left, abs(held))
            realised += -fill.side * closed * (value - entry)
            left -= closed
            if closed == abs(held):
                self._parcels.popleft()
            else:
                self._parcels[0] = (held + fill.side * closed, entry)
        if left:
            self._parcels.append((fill.side * left, value))
        return realised


@dataclass(slots=True, kw_only=True)
class ProfitAndLoss:
    """The result of a position in one instrument; `tick_value` is that of one tick and lot."""

    tick_value: int
    method: Method = field(default_factory=AverageCost)
    realised: int = 0
    fees: int = 0
    """Paid."""
    funding: int = 0
    """Received."""

    def trade(self, fill: Fill) -> int:
        """Apply a fill; return the profit that it realised, before its fee."""
        profit = self.method.trade(fill, self.tick_value)
        self.realised += profit
        self.fees += fill.fee
        return profit

    def unrealised(self, ticks: int) -> int:
        """Return the profit of closing at `ticks`, without fees."""
        return self.method.lots * ticks * self.tick_value - self.method.cost

    @property
    def net(self) -> int:
        """Return what the ledger gained: realised profit and funding, less fees."""
        return self.realised + self.funding - self.fees
