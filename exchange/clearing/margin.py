"""Margin by risk tiers: each slice of a position's value pays the rate of its tier."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from exchange.clearing.money import PPM, ceil_div, fee
from exchange.kinds import MONEY_UNITS

LARGEST_LEVERAGE: Final = 100


class Tier(NamedTuple):
    limit: int
    """Value up to which the tier applies."""
    maintenance_ppm: int
    leverage: int
    """The largest."""


TIERS: Final = (
    Tier(2_000_000 * MONEY_UNITS, 5_000, LARGEST_LEVERAGE),
    Tier(10_000_000 * MONEY_UNITS, 10_000, 50),
    Tier(20_000_000 * MONEY_UNITS, 20_000, 25),
    Tier(50_000_000 * MONEY_UNITS, 50_000, 10),
    Tier(100_000_000 * MONEY_UNITS, 100_000, 5),
)
RISK_LIMIT: Final = TIERS[-1].limit
"""The largest value to which a position may be opened; it pays the last rates beyond."""


def initial_margin(value: int, leverage: int) -> int:
    """Return what a position of this value must have to be opened."""
    if value <= TIERS[0].limit:
        return ceil_div(value, leverage)
    return sum(ceil_div(part, min(leverage, tier.leverage)) for tier, part in _slices(value))


def maintenance_margin(value: int) -> int:
    """Return what a position of this value must have to be kept."""
    if value <= TIERS[0].limit:
        return fee(value, TIERS[0].maintenance_ppm)
    return ceil_div(sum(part * tier.maintenance_ppm for tier, part in _slices(value)), PPM)


def _slices(value: int) -> Iterable[tuple[Tier, int]]:
    """Yield the part of `value` in each tier that it reaches."""
    below = 0
    for tier in TIERS:
        top = value if tier is TIERS[-1] else min(value, tier.limit)
        if top > below:
            yield tier, top - below
        below = tier.limit


class Opening:
    """Sums of the orders that may open a position, by side (indexed by BUY 1 and SELL -1)."""

    __slots__ = ("loss", "lots", "mark", "top", "value")

    def __init__(self, mark: int) -> None:
        self.mark = mark
        self.lots = [0, 0, 0]
        self.value = [0, 0, 0]
        """In ticks * lots."""
        self.top = [0, 0, 0]
        """The highest price."""
        self.loss = 0
        """At once, if all orders beyond the mark were filled; in ticks * lots."""

    def add(self, side: int, ticks: int, lots: int) -> None:
        """Count an order in."""
        self.lots[side] += lots
        self.value[side] += lots * ticks
        if ticks > self.top[side]:
            self.top[side] = ticks
        beyond = side * (ticks - self.mark)
        if beyond > 0:
            self.loss += lots * beyond


class Exposure(NamedTuple):
    """What a holding can become if its resting orders are filled, in ticks * lots."""

    value: int
    """Of the largest position that can result."""
    opening: int
    """Of the orders that would open or add: they will pay a fee."""
    loss: int


def exposure(lots: int, orders: Opening) -> Exposure:
    """Return the exposure of a position with open orders.

    Orders on one side reduce an opposite position first, so closing orders add nothing.
    """
    largest, added = abs(lots) * orders.mark, 0
    for side in (1, -1):
        if count := orders.lots[side]:
            held = side * lots
            opens = max(0, count + min(0, held))
            cost = min(orders.value[side], opens * orders.top[side])
            largest = max(largest, max(0, held) * orders.mark + cost)
            added += cost
    return Exposure(largest, added, orders.loss)


def requirement(exposed: Exposure, tick_value: int, leverage: int, maker_ppm: int) -> int:
    """Return the initial margin of a holding, with the fees and losses to come."""
    return (
        initial_margin(exposed.value * tick_value, leverage)
        + fee(exposed.opening * tick_value, maker_ppm)
        + exposed.loss * tick_value
    )
