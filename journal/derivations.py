"""Registry of derivations: apps register what the journal derives from each kind of record."""

from collections.abc import Callable

from instruments.models import Instrument
from market.kinds import Derived, Kind, Rows

Load = Callable[[Instrument, Rows], Derived]
"""Rebuild the state of a derivation at the end of a stream, given its last record (or none)."""

_loads: dict[str, list[Load]] = {}


def register(kind: Kind, load: Load) -> None:
    """Derive from every stream of `kind` with the state that `load` returns."""
    _loads.setdefault(kind.name, []).append(load)


def load_all(kind: Kind, instrument: Instrument, last: Rows) -> tuple[Derived, ...]:
    """Load every derivation of a stream whose last record is `last`, shape (1,) or (0,)."""
    return tuple(load(instrument, last) for load in _loads.get(kind.name, ()))
