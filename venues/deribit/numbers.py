"""Numbers as Deribit writes them: JSON numbers. Pure.

Each is the float nearest to the exact decimal, whose shortest text is that decimal.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from exchange.kinds import MONEY_UNITS
from instruments.lattice import Lattice

AVERAGE_DIGITS: Final = 4
"""Decimals of an average price beyond those of the tick size."""
RATIO_DIGITS: Final = 4


def price(lattice: Lattice, ticks: int) -> float:
    return lattice.number(ticks)


def amount(lattice: Lattice, lots: int) -> float:
    return lattice.quantities.number(lots)


def optional_price(lattice: Lattice, ticks: int) -> float | None:
    """Return a price, None where there is none (0 ticks)."""
    return lattice.number(ticks) if ticks else None


def money(units: int) -> float:
    """Return an amount of MONEY_UNITS."""
    return float(Decimal(units) / MONEY_UNITS)


def rate(ppm: int) -> float:
    """Return a rate of millionths."""
    return float(Decimal(ppm).scaleb(-6))


def percent(change: int, before: int) -> float | None:
    """Return a change in percent; None if there was nothing before."""
    if not before:
        return None
    return float(rounded(Decimal(100 * change) / before, RATIO_DIGITS))


def average_price(lattice: Lattice, value: int, lots: int) -> float:
    """Return the average price of `lots` whose sum of ticks * lots is `value`; 0 of none."""
    if not lots:
        return 0.0
    mean = Decimal(value * lattice.prices.units) / lots / lattice.prices.scale
    return float(rounded(mean, lattice.precision + AVERAGE_DIGITS))


def notional(lattice: Lattice, value: int) -> float:
    """Return a sum of ticks * lots in the quote currency."""
    units = value * lattice.prices.units * lattice.quantities.units
    return float(Decimal(units).scaleb(-lattice.precision - lattice.quantities.precision))


def rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
