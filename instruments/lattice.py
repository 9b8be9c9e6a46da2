"""The tick lattice: whole numbers of ticks inside the system, decimal prices outside. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


class OffLatticeError(ValueError):
    """The price is not a positive whole number of ticks."""


@dataclass(frozen=True)
class Lattice:
    """The valid prices of one instrument: the multiples of `tick_size`, a positive decimal."""

    tick_size: Decimal

    def __post_init__(self) -> None:
        if not self.tick_size.is_finite() or self.tick_size <= 0:
            raise ValueError(
                f"tick size {self.tick_size} is not a positive decimal number, e.g. 0.25"
            )

    @cached_property
    def precision(self) -> int:
        """Number of decimals of a price, e.g. 2 for a tick size of 0.25."""
        return max(0, -int(self.tick_size.normalize().as_tuple().exponent))

    @cached_property
    def scale(self) -> int:
        """10 ** precision: price = ticks * units / scale, exact in integers."""
        return int(10**self.precision)

    @cached_property
    def units(self) -> int:
        """The tick size in units of the last decimal, e.g. 25 for a tick size of 0.25."""
        return int(self.tick_size * self.scale)

    def price(self, ticks: int) -> Decimal:
        """Return the price of `ticks` with `precision` decimals."""
        return Decimal(ticks * self.units).scaleb(-self.precision)

    def number(self, ticks: int) -> float:
        """Return the float nearest to the price; its repr is the decimal price."""
        return ticks * self.units / self.scale

    def numbers(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return `number` of each of `ticks`, same shape; exact below 2^53 units."""
        return (ticks * self.units).astype(np.float64) / self.scale

    def ticks(self, price: Decimal) -> int:
        """Return `price` in ticks; raise OffLatticeError unless that is a whole number >= 1."""
        if not price.is_finite() or price <= 0:
            raise OffLatticeError(f"price {price} is not a positive number")
        ticks, rest = divmod(price, self.tick_size)
        if rest:
            raise OffLatticeError(
                f"price {price} is not a multiple of the tick size {self.tick_size}"
            )
        return int(ticks)
