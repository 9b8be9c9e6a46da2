"""The lattice of an instrument: whole ticks and lots inside, decimals outside. Pure."""

from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, InvalidOperation
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

EXACT = Context(traps=[InvalidOperation, DivisionByZero])
"""Of divisions by a step, whatever the context of the caller: ccxt leaves one that raises more."""


class OffLatticeError(ValueError):
    """The price is not a positive whole number of ticks, or the quantity not one of lots."""


@dataclass(frozen=True)
class Grid:
    """The whole multiples of `step`, a positive decimal."""

    step: Decimal

    @cached_property
    def precision(self) -> int:
        """Number of decimals of a multiple, e.g. 2 for a step of 0.25."""
        return max(0, -int(self.step.normalize().as_tuple().exponent))

    @cached_property
    def scale(self) -> int:
        """10 ** precision: decimal = count * units / scale, exact in integers."""
        return int(10**self.precision)

    @cached_property
    def units(self) -> int:
        """The step in units of the last decimal, e.g. 25 for a step of 0.25."""
        return int(self.step * self.scale)

    def steps(self, value: Decimal) -> int | None:
        """Return a positive decimal in steps, None unless that is a whole number of them.

        The remainder of a tiny fraction such as 1e-999999999 is 0, and so is its count.
        """
        count, rest = EXACT.divmod(value, self.step)
        return int(count) if count and not rest else None

    def decimal(self, count: int) -> Decimal:
        """Return `count` steps with `precision` decimals."""
        return Decimal(count * self.units).scaleb(-self.precision)

    def number(self, count: int) -> float:
        """Return the float nearest to `decimal`; its repr is the decimal."""
        return count * self.units / self.scale

    def numbers(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return `number` of each of `counts`, same shape; exact below 2^53 units."""
        return (counts * self.units).astype(np.float64) / self.scale


@dataclass(frozen=True)
class Lattice:
    """The valid prices and quantities of one instrument.

    Prices are the multiples of `tick_size`, quantities those of `lot_size`; both are positive
    decimals.
    """

    tick_size: Decimal
    lot_size: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        for name, size in (("tick size", self.tick_size), ("lot size", self.lot_size)):
            if not size.is_finite() or size <= 0:
                raise ValueError(f"{name} {size} is not a positive decimal number, e.g. 0.25")

    @cached_property
    def prices(self) -> Grid:
        return Grid(self.tick_size)

    @cached_property
    def quantities(self) -> Grid:
        return Grid(self.lot_size)

    @property
    def precision(self) -> int:
        """Number of decimals of a price, e.g. 2 for a tick size of 0.25."""
        return self.prices.precision

    @property
    def scale(self) -> int:
        """10 ** precision: price = ticks * units / scale, exact in integers."""
        return self.prices.scale

    @property
    def units(self) -> int:
        """The tick size in units of the last decimal, e.g. 25 for a tick size of 0.25."""
        return self.prices.units

    def price(self, ticks: int) -> Decimal:
        """Return the price of `ticks` with `precision` decimals."""
        return self.prices.decimal(ticks)

    def number(self, ticks: int) -> float:
        """Return the float nearest to the price; its repr is the decimal price."""
        return self.prices.number(ticks)

    def numbers(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return `number` of each of `ticks`, same shape; exact below 2^53 units."""
        return self.prices.numbers(ticks)

    def quantity(self, lots: int) -> Decimal:
        """Return the quantity of `lots` with the decimals of the lot size."""
        return self.quantities.decimal(lots)

    def ticks(self, price: Decimal) -> int:
        """Return `price` in ticks; raise OffLatticeError unless that is a whole number >= 1."""
        return _count("price", price, "tick size", self.prices)

    def lots(self, quantity: Decimal) -> int:
        """Return `quantity` in lots; raise OffLatticeError unless that is a whole number >= 1."""
        return _count("quantity", quantity, "lot size", self.quantities)


def _count(name: str, value: Decimal, step_name: str, grid: Grid) -> int:
    if not value.is_finite() or value <= 0:
        raise OffLatticeError(f"{name} {value} is not a positive number")
    if (count := grid.steps(value)) is None:
        raise OffLatticeError(f"{name} {value} is not a multiple of the {step_name} {grid.step}")
    return count
