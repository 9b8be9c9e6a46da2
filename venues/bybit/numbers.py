"""Numbers as Bybit writes them: always text, never with an exponent. Pure.

Prices have the decimals of the tick size and quantities those of the lot size ("65000.10" and
"0.100"), so equal numbers are equal texts: clients compare book prices as text. A quantity of zero
is "0". Money and rates have no trailing zeros.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from exchange.kinds import MONEY_UNITS
from instruments.lattice import Grid, Lattice

RATE_DIGITS: Final = 6
_MONEY_SCALE: Final = len(str(MONEY_UNITS)) - 1


def scaled(count: int, grid: Grid) -> str:
    """Return `count` steps of a grid with all decimals of the grid."""
    units, digits = count * grid.units, grid.precision
    if not digits:
        return str(units)
    text = str(abs(units)).rjust(digits + 1, "0")
    sign = "-" if units < 0 else ""
    return f"{sign}{text[:-digits]}.{text[-digits:]}"


def price_text(lattice: Lattice, ticks: int) -> str:
    return scaled(ticks, lattice.prices)


def quantity_text(lattice: Lattice, lots: int) -> str:
    """Return a quantity; "0" for none, as in deltas of a book that delete a level."""
    return scaled(lots, lattice.quantities) if lots else "0"


def optional_price(lattice: Lattice, ticks: int) -> str:
    """Return a price, or "" where there is none (0 ticks)."""
    return price_text(lattice, ticks) if ticks else ""


def money_text(units: int) -> str:
    """Return an amount of MONEY_UNITS."""
    return decimal_text(Decimal(units).scaleb(-_MONEY_SCALE))


def ppm_text(ppm: int) -> str:
    """Return a rate of millionths, e.g. 0.00055 of 550."""
    return decimal_text(Decimal(ppm).scaleb(-6))


def ratio_text(numerator: int, denominator: int, digits: int = RATE_DIGITS) -> str:
    """Return a ratio rounded to `digits` decimals; "0" where the denominator is 0."""
    if not denominator:
        return "0"
    return decimal_text(rounded(Decimal(numerator) / denominator, digits))


def average_price(lattice: Lattice, value: int, lots: int) -> str:
    """Return the average price of `lots` whose sum of ticks * lots is `value`; "" of none."""
    if not lots:
        return ""
    mean = Decimal(value * lattice.prices.units) / lots / lattice.prices.scale
    return decimal_text(rounded(mean, lattice.precision + 4))


def value_text(lattice: Lattice, value: int) -> str:
    """Return a sum of ticks * lots in the settle coin."""
    units = value * lattice.prices.units * lattice.quantities.units
    return decimal_text(Decimal(units).scaleb(-lattice.precision - lattice.quantities.precision))


def decimal_text(value: Decimal) -> str:
    """Return a decimal without an exponent and without trailing zeros."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)


def book_rows(lattice: Lattice, ticks: Sequence[int], lots: Sequence[int]) -> list[tuple[str, str]]:
    """Return levels of a book as rows of price and size."""
    return [
        (price_text(lattice, price), quantity_text(lattice, size))
        for price, size in zip(ticks, lots, strict=True)
    ]
