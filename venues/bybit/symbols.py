"""Instruments as Bybit names them. Pure.

Linear perpetuals are the instruments with a book that are quoted in USDT and named BASE + "USDT".
All others (ES, EURUSD, BTC-PERPETUAL) have no name at this door and do not appear in any answer.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

from instruments.lattice import Lattice

SETTLE_COIN: Final = "USDT"
SMALLEST_VALUE: Final = Decimal(1)
"""Of an order that may open a position, in USDT."""
_LINEAR: Final = re.compile(rf"([A-Z0-9]+){SETTLE_COIN}")


@dataclass(frozen=True)
class Symbol:
    """A linear perpetual; `key` is the primary key of the instrument."""

    key: int
    name: str
    lattice: Lattice

    @cached_property
    def base_coin(self) -> str:
        return self.name.removesuffix(SETTLE_COIN)

    @property
    def price_scale(self) -> int:
        """Decimals of every price."""
        return self.lattice.precision


def is_linear(name: str, currency: str) -> bool:
    """Return whether an instrument with a book is a linear perpetual of this door."""
    return currency == SETTLE_COIN and _LINEAR.fullmatch(name) is not None
