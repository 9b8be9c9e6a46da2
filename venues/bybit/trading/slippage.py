"""Market orders with a slippage tolerance: limit orders that are filled at once or cancelled."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from exchange.clearing.entry import band
from exchange.engine.messages import BUY
from market.quoting import quoted
from venues.bybit.errors import BybitError, RetCode, parameter_error
from venues.bybit.fields import Fields
from venues.bybit.listed import Listed
from venues.doors.books import best_of, book_of
from venues.doors.days import mark_of

UNITS: Final = {
    "TickSize": (Decimal(1), Decimal(10_000)),
    "Percent": (Decimal("0.01"), Decimal(10)),
}
"""Smallest and largest tolerance of each slippageToleranceType."""


def worst_ticks(fields: Fields, listed: Listed, side: int) -> int:
    """Return the worst price of a market order, 0 if it has no tolerance; raise BybitError."""
    if not fields.has("slippageTolerance"):
        return 0
    unit = fields.choice("slippageToleranceType", {name: name for name in UNITS})
    tolerance = fields.decimal("slippageTolerance")
    low, high = UNITS[unit]
    if tolerance is None or not low <= tolerance <= high or not fits(tolerance, unit):
        given = quoted(fields.text("slippageTolerance"))
        raise parameter_error(f"slippageTolerance {given} of {unit} must be from {low} to {high}")
    best, _ = best_of(book_of(listed.key), -side)
    if not best:
        raise BybitError(RetCode.SERVER, f"{RetCode.SERVER.text} Nothing rests in {listed.name}.")
    furthest = side * beyond(best, side, unit, tolerance)
    allowed = side * band(side, mark_of(listed.instrument))
    return max(1, side * min(furthest, allowed))


def fits(tolerance: Decimal, unit: str) -> bool:
    return unit == "Percent" or tolerance == int(tolerance)


def beyond(best: int, side: int, unit: str, tolerance: Decimal) -> int:
    """Return the best price moved by a tolerance, in ticks, rounded towards the best price."""
    if unit == "TickSize":
        return best + side * int(tolerance)
    moved = best * (1 + side * tolerance / 100)
    return int(moved.to_integral_value(ROUND_FLOOR if side == BUY else ROUND_CEILING))
