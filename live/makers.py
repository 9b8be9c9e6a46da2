"""Registry of what is published of records besides the frames of public kinds. Pure."""

from collections.abc import Callable, Sequence

from instruments.lattice import Lattice
from live.frames import Publication, publications
from market.kinds import Delivery, Kind, Rows

Make = Callable[[str, Lattice, Rows], list[Publication]]
"""Make publications of a symbol's new records, ascending."""

MakeTogether = Callable[[Sequence[Delivery]], list[Publication]]
"""Make publications of everything that one transaction stored."""

_makers: dict[str, list[Make]] = {}
_makers_together: list[MakeTogether] = []


def register(kind: Kind, make: Make) -> None:
    """Publish what `make` returns for the committed records of `kind`.

    A public kind is published on its own topic as well.
    """
    _makers.setdefault(kind.name, []).append(make)


def register_together(make: MakeTogether) -> None:
    """Publish what `make` returns for each transaction, e.g. on topics that join streams."""
    _makers_together.append(make)


def publications_together(committed: Sequence[Delivery]) -> list[Publication]:
    return [each for make in _makers_together for each in make(committed)]


def all_publications(kind: Kind, symbol: str, lattice: Lattice, rows: Rows) -> list[Publication]:
    """Return everything to publish of ascending records of one stream."""
    made = publications(kind, symbol, lattice, rows) if kind.public else []
    for make in _makers.get(kind.name, ()):
        made += make(symbol, lattice, rows)
    return made
