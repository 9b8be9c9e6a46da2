"""Our symbols of instruments, and the contracts of the venue behind them. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from venues.feeds.events import Contract


class Named(NamedTuple):
    """A contract and our symbol of it."""

    symbol: str
    contract: Contract


class Names:
    """`contracts` by our symbols. A contract that we do not name has the venue's symbol."""

    def __init__(self, contracts: Mapping[str, Contract]) -> None:
        self._ours = dict(contracts)
        self._theirs = {each.symbol: Named(name, each) for name, each in contracts.items()}

    def of_ours(self, symbol: str) -> Contract | None:
        return self._ours.get(symbol)

    def of_theirs(self, symbol: str) -> Named | None:
        return self._theirs.get(symbol)

    def add(self, contract: Contract) -> Named:
        """Add a contract under the venue's own symbol."""
        self._ours.setdefault(contract.symbol, contract)
        return self._theirs.setdefault(contract.symbol, Named(contract.symbol, contract))
