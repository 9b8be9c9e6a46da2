"""Positions in one-way mode: at most one per account and instrument."""

from dataclasses import dataclass


@dataclass(slots=True)
class Position:
    """Signed lots, negative if short, and what they cost at entry in MONEY_UNITS, same sign.

    The cost, and not an average price, is kept, so no profit is lost to rounding: after every
    trade, cost = sum of side * lots * ticks * tick_value + sum of realised profit.
    """

    lots: int = 0
    cost: int = 0

    def trade(self, side: int, ticks: int, lots: int, tick_value: int) -> int:
        """Apply a fill (open, add, reduce or flip) and return the realised profit."""
        signed = side * lots
        realised = 0
        if self.lots * signed < 0:
            closed = min(lots, abs(self.lots))
            released = self.cost * closed // abs(self.lots)
            realised = -side * closed * ticks * tick_value - released
        self.lots += signed
        self.cost += signed * ticks * tick_value + realised
        return realised

    def unrealised(self, ticks: int, tick_value: int) -> int:
        """Return the profit of closing at `ticks`."""
        return self.lots * ticks * tick_value - self.cost
