"""Which rows of a table to read: SQL text and its parameters. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.kinds import Kind, Table, Unit
from market.keys import row_key

LOWEST: Final = -(2**63)
HIGHEST: Final = 2**63 - 1


class Span(NamedTuple):
    """start <= t < end, microseconds; None: without this bound."""

    start: int | None = None
    end: int | None = None


EVER: Final = Span()


def clock(table: Table) -> str:
    """Return the field of the time by which a table is in order: the first time clients see."""
    for column in table.columns:
        if column.unit is Unit.TIME:
            return column.field
    raise ValueError(f"table {table.name} shows no time to order its rows by")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Rows of one instrument with after < key < before.

    The key of a kind is its `id`, the key of another table its time. `where` names further fields
    and their values, e.g. the timeframe of candles. With `newest`, a limit leaves the newest rows.
    """

    table: Table
    instrument_id: int
    fields: tuple[str, ...] = ()
    where: Mapping[str, int] = field(default_factory=dict)
    after: int = LOWEST
    before: int = HIGHEST
    newest: bool = False

    @property
    def key(self) -> str:
        return "id" if self.is_stream else clock(self.table)

    @property
    def types(self) -> dict[str, np.dtype[Any]]:
        """Return the fields to read with their types: those wanted, or all that clients see.

        The field that tells the key is always among them.
        """
        names = self.fields or tuple(column.field for column in self.table.columns)
        with_key = dict.fromkeys((*names, "seq" if self.is_stream else self.key))
        return {name: self.table.dtype[name] for name in with_key}

    @property
    def is_stream(self) -> bool:
        return isinstance(self.table, Kind)

    def key_of(self, found: Mapping[str, NDArray[Any]], row: int) -> int:
        """Return the key of a row that was read."""
        if self.is_stream:
            return row_key(self.instrument_id, int(found["seq"][row]))
        return int(found[self.key][row])

    def within(self, after: int = LOWEST, before: int = HIGHEST) -> "Selection":
        """Return the rows that are also within these bounds."""
        return replace(self, after=max(self.after, after), before=min(self.before, before))

    def beyond(self, key: int) -> "Selection":
        """Return the rows that follow the row of `key` in the order of reading."""
        return self.within(before=key) if self.newest else self.within(after=key)

    def sql(self, limit: int) -> tuple[str, list[int]]:
        """Return a SELECT of the first `limit` rows, with the parameters of its `%s`."""
        conditions, parameters = self._conditions()
        order = f"{self.key} DESC" if self.newest else self.key
        return (
            f"SELECT {', '.join(self.types)} FROM {self.table.table} "  # noqa: S608
            f"WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT %s",
            [*parameters, limit],
        )

    def _conditions(self) -> tuple[Sequence[str], list[int]]:
        stored = {} if self.is_stream else {"instrument_id": self.instrument_id}
        equal = stored | dict(self.where)
        conditions = [*(f"{name} = %s" for name in equal), f"{self.key} > %s", f"{self.key} < %s"]
        return conditions, [*equal.values(), self.after, self.before]


