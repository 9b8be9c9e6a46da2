"""The instruments of this door, cached: orders and reads need no query to name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from instruments.lattice import Lattice
from instruments.models import Instrument
from market.quoting import quoted
from venues.deribit.contracts import ANY, Contract
from venues.deribit.errors import Code, RpcError, invalid
from web.sharedresults import SharedResult

FRESH_S: Final = 2.0


@dataclass(frozen=True)
class Listed:
    """A perpetual and its instrument."""

    instrument: Instrument
    contract: Contract

    @property
    def key(self) -> int:
        return self.contract.key

    @property
    def name(self) -> str:
        """Return its name at Deribit."""
        return self.contract.name

    @property
    def symbol(self) -> str:
        """Return its name here."""
        return self.contract.symbol

    @property
    def lattice(self) -> Lattice:
        return self.contract.lattice


def all_listed() -> Mapping[str, Listed]:
    """Return the instruments of this door by their name at Deribit."""
    return _listed.get()


def by_key() -> Mapping[int, Listed]:
    return {each.key: each for each in all_listed().values()}


def find(name: str) -> Listed:
    """Return the instrument with a name; raise RpcError."""
    found = all_listed().get(name)
    if found is None:
        known = ", ".join(all_listed()) or "none"
        reason = f"{quoted(name)} does not exist; instruments here: {known}"
        raise RpcError(Code.NOT_FOUND, reason, "instrument_name")
    return found


def of_currency(currency: str) -> list[Listed]:
    """Return the instruments that a currency selects, by base or settlement."""
    wanted = ANY if currency.lower() == ANY else currency.upper()
    return [each for each in all_listed().values() if each.contract.is_of(wanted)]


def indexes() -> Mapping[str, Listed]:
    """Return by name the price indexes, each with the instrument whose law it is.

    Dollars and stablecoins count one to one, so each coin has an index in both.
    """
    found: dict[str, Listed] = {}
    for quote in ("usd", "usdc"):
        for each in all_listed().values():
            found.setdefault(f"{each.contract.base.lower()}_{quote}", each)
    return found | {each.contract.index_name: each for each in all_listed().values()}


def index(name: str) -> Listed:
    """Return the instrument of a price index; raise RpcError."""
    found = indexes().get(name)
    if found is None:
        known = ", ".join(indexes()) or "none"
        raise invalid("index_name", f"{quoted(name)} does not exist; indexes here: {known}")
    return found


def _read() -> dict[str, Listed]:
    found: dict[str, Listed] = {}
    for each in Instrument.objects.filter(has_book=True).order_by("pk"):
        contract = Contract.of(each.pk, each.symbol, each.currency, each.lattice)
        if contract is not None:
            found[contract.name] = Listed(each, contract)
    return found


_listed: Final = SharedResult(_read, FRESH_S)
