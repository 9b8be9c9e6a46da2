"""The instruments of this door, cached: orders and reads need no query to name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from instruments.lattice import Lattice
from instruments.models import Instrument
from market.quoting import quoted
from venues.bybit.errors import BybitError, RetCode
from venues.bybit.symbols import Symbol, is_linear
from web.sharedresults import SharedResult

FRESH_S: Final = 2.0


@dataclass(frozen=True)
class Listed:
    """A linear perpetual and its instrument."""

    instrument: Instrument
    symbol: Symbol

    @property
    def key(self) -> int:
        return self.symbol.key

    @property
    def name(self) -> str:
        return self.symbol.name

    @property
    def lattice(self) -> Lattice:
        return self.symbol.lattice


def all_listed() -> Mapping[str, Listed]:
    """Return the instruments of this door by symbol."""
    return _listed.get()


def by_key() -> Mapping[int, Listed]:
    return {each.key: each for each in all_listed().values()}


def find(name: str) -> Listed:
    """Return the instrument of a symbol; raise BybitError."""
    found = all_listed().get(name)
    if found is None:
        raise unknown_symbol(name)
    return found


def unknown_symbol(name: str) -> BybitError:
    known = ", ".join(all_listed()) or "none"
    text = f"params error: symbol invalid: {quoted(name)}; linear symbols here: {known}"
    return BybitError(RetCode.PARAMETER, text)


def _read() -> dict[str, Listed]:
    return {
        each.symbol: Listed(each, Symbol(each.pk, each.symbol, each.lattice))
        for each in Instrument.objects.filter(has_book=True).order_by("pk")
        if is_linear(each.symbol, each.currency)
    }


_listed: Final = SharedResult(_read, FRESH_S)
