"""Sums of money, prices and their averages as clients see them: exact decimals. Pure."""

from decimal import Decimal
from typing import Final

from exchange.kinds import MONEY_UNITS
from instruments.lattice import Lattice

AVERAGE_DIGITS: Final = 4
"""Decimals of an average price beyond those of the tick size."""


def money(units: int) -> Decimal:
    """Return MONEY_UNITS as a decimal without trailing zeros."""
    return plain(Decimal(units) / MONEY_UNITS)


def plain(value: Decimal) -> Decimal:
    """Return a decimal without trailing zeros and without an exponent."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def price(lattice: Lattice, ticks: int) -> Decimal | None:
    return lattice.price(ticks) if ticks else None


def average(lattice: Lattice, value: int, lots: int) -> Decimal | None:
    """Return the average price of fills; `value` is the sum of ticks * lots."""
    if not lots:
        return None
    digits = Decimal(1).scaleb(-lattice.precision - AVERAGE_DIGITS)
    return plain((lattice.price(value) / lots).quantize(digits))


def average_cost(lattice: Lattice, cost: int, lots: int) -> Decimal | None:
    """Return the average price at which a position was opened; `cost` is in MONEY_UNITS."""
    if not lots:
        return None
    digits = Decimal(1).scaleb(-lattice.precision - AVERAGE_DIGITS)
    return plain((Decimal(cost) / MONEY_UNITS / lattice.quantity(lots)).quantize(digits))
