"""How an order is sent: at the market, as a limit that takes, or post-only at our own best price.

Crossing the spread certainly costs half of it, and the difference of the fees. Waiting costs what
the price may run away meanwhile: its volatility over the time that the order may wait, times its
urgency. The dearer waiting is, the more aggressive the order. A heuristic, not an optimum.
"""

from dataclasses import dataclass

from exchange.clearing.money import PPM
from venues.brokers import Style


@dataclass(frozen=True, kw_only=True)
class Touch:
    """The best prices of a book, in ticks."""

    bid: int
    ask: int

    def __post_init__(self) -> None:
        if not 0 < self.bid < self.ask:
            raise ValueError(f"bid {self.bid}, ask {self.ask}: use 0 < bid < ask")

    @property
    def spread(self) -> int:
        return self.ask - self.bid

    def own(self, side: int) -> int:
        """Return the best price of the same side."""
        return self.bid if side > 0 else self.ask

    def opposite(self, side: int) -> int:
        """Return the price at which an order of this side trades at once."""
        return self.ask if side > 0 else self.bid


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What the choice depends on."""

    touch: Touch
    volatility: float
    """Standard deviation, in ticks, of the price over the time that the order may wait."""
    urgency: float
    """0: it may as well not trade; 1: it must trade."""
    taker_ppm: int = 0
    maker_ppm: int = 0
    has_waited: bool = False
    """An order has waited as long as it may: the next one takes, at the best price and no worse."""

    def __post_init__(self) -> None:
        if not 0 <= self.urgency <= 1:
            raise ValueError(f"urgency {self.urgency} is out of range: use 0 to 1")
        if not self.volatility >= 0:
            raise ValueError(f"volatility {self.volatility} is not a number of 0 or more ticks")


@dataclass(frozen=True)
class Choice:
    """A style and its limit in ticks; 0 for a market order."""

    style: Style
    ticks: int


def choose(side: int, now: Circumstances) -> Choice:
    """Return how to send an order of a side."""
    touch, waiting = now.touch, now.urgency * now.volatility
    crossing = cost_of_crossing(now)
    if now.urgency == 1 or (waiting >= 2 * crossing and not now.has_waited):
        return Choice(Style.MARKET, 0)
    if now.has_waited or waiting >= crossing:
        return Choice(Style.LIMIT, touch.opposite(side))
    return Choice(Style.POST_ONLY, touch.own(side))


def cost_of_crossing(now: Circumstances) -> float:
    """Return what taking costs more than making, in ticks."""
    middle = (now.touch.bid + now.touch.ask) / 2
    return now.touch.spread / 2 + middle * (now.taker_ppm - now.maker_ppm) / PPM
