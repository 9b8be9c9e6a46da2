"""Margin by risk tiers: each slice of a position's value pays the rate of its tier."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from exchange.clearing.money import PPM, ceil_div
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
    return ceil_div(sum(part * tier.maintenance_ppm for tier, part in _slices(value)), PPM)


def _slices(value: int) -> Iterable[tuple[Tier, int]]:
    """Yield the part of `value` in each tier that it reaches."""
    below = 0
    for tier in TIERS:
        top = value if tier is TIERS[-1] else min(value, tier.limit)
        if top > below:
            yield tier, top - below
        below = tier.limit


class Exposure(NamedTuple):
    """What a holding can become if its resting orders are filled, in ticks * lots."""

    value: int
    """Of the largest position that can result."""
    opening: int
    """Of the orders that would open or add: they will pay a fee."""
    loss: int
    """At once if all orders beyond the mark price were filled."""


def exposure(lots: int, opening: Iterable[tuple[int, int, int]], mark: int) -> Exposure:
    """Return the exposure of a position and of opening orders (side, ticks, lots).

    Orders on one side reduce an opposite position first, so closing orders add nothing.
    """
    count, value, top, loss = [0, 0, 0], [0, 0, 0], [0, 0, 0], 0  # indexed by side: 1, -1
    for side, ticks, size in opening:
        count[side] += size
        value[side] += size * ticks
        top[side] = max(top[side], ticks)
        loss += size * max(0, side * (ticks - mark))
    largest, added = abs(lots) * mark, 0
    for side in (1, -1):
        opens = max(0, count[side] + min(0, side * lots))
        cost = min(value[side], opens * top[side])
        largest = max(largest, max(0, side * lots) * mark + cost)
        added += cost
    return Exposure(largest, added, loss)
