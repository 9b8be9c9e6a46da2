"""Instruments as Deribit names them. Pure.

BTC-PERPETUAL, quoted in USD, has the name that it has here. Instruments that are quoted in USDT are
the linear perpetuals of Deribit, which are quoted in USDC: BTCUSDT is BTC_USDC-PERPETUAL. Dollars
and stablecoins count one to one. All others (ES, EURUSD) have no name at this door.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from instruments.lattice import Lattice

CASH: Final = "USDC"
"""The currency in which this door shows the money of an account."""
DOLLARS: Final = ("USD", CASH)
"""Currencies that mean the money of an account."""
ANY: Final = "any"
PERPETUAL: Final = "PERPETUAL"
_AS_ON_DERIBIT: Final = re.compile(rf"([A-Z0-9]+)-{PERPETUAL}")
_IN_TETHER: Final = re.compile(r"([A-Z0-9]+)USDT")


@dataclass(frozen=True)
class Contract:
    """A linear perpetual; `key` and `symbol` are those of the instrument."""

    key: int
    symbol: str
    name: str
    base: str
    quote: str
    lattice: Lattice

    @classmethod
    def of(cls, key: int, symbol: str, currency: str, lattice: Lattice) -> Self | None:
        """Return the contract that an instrument with a book is; None if it has no name here."""
        if currency == "USD" and (found := _AS_ON_DERIBIT.fullmatch(symbol)):
            return cls(key, symbol, symbol, found[1], "USD", lattice)
        if currency == "USDT" and (found := _IN_TETHER.fullmatch(symbol)):
            return cls(key, symbol, f"{found[1]}_{CASH}-{PERPETUAL}", found[1], CASH, lattice)
        return None

    @property
    def index_name(self) -> str:
        """Return the name of its price index, e.g. btc_usd."""
        return f"{self.base}_{self.quote}".lower()

    def is_of(self, currency: str) -> bool:
        """Return whether a parameter `currency` selects the contract, by base or settlement."""
        return currency in (ANY, self.base, self.quote) or (currency == CASH)
