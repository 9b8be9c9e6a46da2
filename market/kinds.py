"""Record kinds, which the journal stores, the archive reads and the live path streams. Pure.

Each app registers its kinds; the layers below do not know them by name. A stream is the records of
one kind and one instrument, numbered 1, 2, 3 ... by `seq`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.void]
HEADER: Final = (("instrument", np.int64), ("seq", np.int64), ("at", np.int64))
"""First fields of every record: primary key of the instrument, seq, microseconds since 1970 UTC."""


class Unit(Enum):
    """The unit of a field, which decides how it is presented to clients."""

    INTEGER = "integer"
    NUMBER = "number"
    TIME = "time"  # microseconds inside, epoch milliseconds outside
    PRICE = "price"  # ticks inside, a decimal outside
    QUANTITY = "quantity"  # lots inside, a decimal outside
    SIDE = "side"  # 1 and -1 inside, "buy" and "sell" outside
    NAME = "name"  # a whole number inside, the name that the column has for it outside
    JSON = "json"  # bytes inside: a JSON document


class Column(NamedTuple):
    """A column of the API: its name, its field and the unit of the field.

    `names` pairs the values of a Unit.NAME with their names.
    """

    name: str
    field: str
    unit: Unit = Unit.INTEGER
    names: tuple[tuple[int, str], ...] = ()


SEQ: Final = Column("seq", "seq")
AT: Final = Column("at", "at", Unit.TIME)


@dataclass(frozen=True, kw_only=True)
class Table:
    """The database table that stores rows of one dtype.

    `table` has one database column per field of `dtype` (`instrument_id` for "instrument"; a field
    of dtype object holds bytes) and a
    primary key `id`. `columns` are the columns presented to clients, in order.
    """

    name: str
    dtype: np.dtype[np.void]
    table: str
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def bytes_fields(self) -> tuple[str, ...]:
        """Return the names of the fields that hold bytes."""
        names = self.dtype.names or ()
        return tuple(name for name in names if self.dtype[name].kind == "O")


def accept(rows: Rows) -> None:
    """Accept any rows: the default check of a kind."""


@dataclass(frozen=True, kw_only=True)
class Kind(Table):
    """A kind of record with one stream per instrument; `id` is the `market.keys.row_key`.

    `dtype` begins with HEADER. Times increase strictly (clock "strict") or may repeat
    ("monotone"). `frame` is the `type` of its live frames; with `single`, each record is sent as a
    frame of its own. `check` raises ValueError for rows that are invalid for this kind.

    A kind that is not `public` has no URL, no topic and no place in OpenAPI; it is recorded,
    audited and counted like the others.
    """

    clock: Literal["strict", "monotone"] = "strict"
    frame: str = "rows"
    single: bool = False
    check: Callable[[Rows], None] = accept
    public: bool = True

    def __post_init__(self) -> None:
        names = self.dtype.names or ()
        if names[: len(HEADER)] != tuple(name for name, _ in HEADER):
            raise ValueError(f"kind {self.name}: its dtype must begin with instrument, seq, at")
        if unknown := [column.field for column in self.columns if column.field not in names]:
            raise ValueError(f"kind {self.name}: its dtype has no field {', '.join(unknown)}")


def rows_of(kind: Kind, instrument_id: int, numbers: Mapping[str, NDArray[Any]]) -> Rows:
    """Return records of one stream from their fields, each of shape (n,)."""
    rows = np.empty(len(numbers["seq"]), dtype=kind.dtype)
    rows["instrument"] = instrument_id
    for name in (kind.dtype.names or ())[1:]:
        rows[name] = numbers[name]
    return rows


class Delivery(NamedTuple):
    """Records of one stream, ascending by seq, from a source to the journal."""

    kind: Kind
    rows: Rows

    @property
    def instrument_id(self) -> int:
        return int(self.rows["instrument"][0])


class Derived(Protocol):
    """State derived from one stream as its records are stored, e.g. open candles."""

    def extend(self, rows: Rows) -> Iterable[tuple[Table, Rows]]:
        """Add ascending rows; return the derived rows that they complete, with their tables."""

    def copy(self) -> "Derived":
        """Return an independent copy, so that a failed transaction leaves no trace."""


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Add a kind; raise ValueError if another kind has its name."""
    if _kinds.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"kind {kind.name!r} is already registered: choose another name")
    return kind


def find(name: str) -> Kind | None:
    return _kinds.get(name)


def kinds() -> tuple[Kind, ...]:
    """Return all kinds in order of registration."""
    return tuple(_kinds.values())


def public_kinds() -> tuple[Kind, ...]:
    """Return the kinds that clients can read and subscribe to."""
    return tuple(kind for kind in _kinds.values() if kind.public)


def find_public(name: str) -> Kind | None:
    kind = _kinds.get(name)
    return kind if kind is not None and kind.public else None


def record_dtype(*own: tuple[str, Any]) -> np.dtype[np.void]:
    """Return the dtype of a kind: HEADER and its `own` fields."""
    return np.dtype([*HEADER, *own])
