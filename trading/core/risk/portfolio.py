"""What risk rules look at: an order that is proposed, and all that is at risk already.

Money is in MONEY_UNITS of one currency, shares in ppm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from exchange.clearing.money import PPM


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An order that a bot wants to send, valued at its limit or at the price it expects."""

    symbol: str
    side: int
    value: int
    """Notional value, not negative."""
    stop_loss: int | None = None
    """What is lost if its stop is reached; None without a stop: all of its value."""
    reduces: bool = False
    """It can only make a position smaller."""

    @property
    def risk(self) -> int:
        """Return what the order may lose until its stop."""
        return self.value if self.stop_loss is None else self.stop_loss


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """What is at risk in one instrument: a position and the orders that may add to it."""

    position: int = 0
    """Value at the mark, negative if short."""
    buying: int = 0
    """Value of the working orders to buy that may open."""
    selling: int = 0
    risk: int = 0
    """What is lost if all its stops are reached."""

    @property
    def is_open(self) -> bool:
        """Return whether there is a position, or an order that may open one."""
        return bool(self.position or self.buying or self.selling)

    @property
    def largest(self) -> int:
        """Return the value of the largest position that the working orders can bring about."""
        return max(abs(self.position + self.buying), abs(self.position - self.selling))

    def with_order(self, side: int, value: int) -> "Exposure":
        """Return the exposure with one more order."""
        return Exposure(
            position=self.position,
            buying=self.buying + (value if side > 0 else 0),
            selling=self.selling + (value if side < 0 else 0),
            risk=self.risk,
        )


NOTHING: Final = Exposure()


@dataclass(frozen=True, kw_only=True)
class Record:
    """The closed trades of a strategy, which the Kelly fraction is estimated from."""

    wins: int = 0
    losses: int = 0
    gained: int = 0
    """Sum of the profits."""
    lost: int = 0
    """Sum of the losses, not negative."""


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """All that is at risk in one scope: a bot, or the account."""

    equity: int
    peak: int
    """Highest equity so far."""
    exposures: Mapping[str, Exposure] = field(default_factory=dict)
    correlations: Mapping[frozenset[str], float] = field(default_factory=dict)
    """Of returns, by pair of symbols; pairs that are missing count as not correlated."""
    record: Record = Record()
    is_killed: bool = False

    def exposure(self, symbol: str) -> Exposure:
        return self.exposures.get(symbol, NOTHING)

    def correlation(self, one: str, other: str) -> float:
        return 1.0 if one == other else self.correlations.get(frozenset((one, other)), 0.0)

    @property
    def drawdown_ppm(self) -> int:
        """Return how far the equity is below its peak, as a share of the peak, rounded up."""
        if self.peak <= 0:
            return 0
        return max(0, -(-(self.peak - self.equity) * PPM // self.peak))
