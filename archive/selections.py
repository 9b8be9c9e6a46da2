"""Selections of rows of a table, as SQL text and parameters. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.keys import key_range, row_key
from market.kinds import Kind, Table, Unit

LOWEST: Final = -(2**63)
HIGHEST: Final = 2**63 - 1


class Span(NamedTuple):
    """start <= t < end, microseconds; None: without this bound."""

    start: int | None = None
    end: int | None = None


EVER: Final = Span()


def quoted(name: str) -> str:
    """Return the name of a column as SQL: some, e.g. order, are words of SQL."""
    return f'"{name}"'


def clock(table: Table) -> str:
    """Return the field of the time that orders a table: the first time that clients see."""
    for column in table.columns:
        if column.unit is Unit.TIME:
            return column.field
    raise ValueError(f"table {table.name} shows no time to order its rows by")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Rows of one instrument in `span` with after < key < before.

    The key of a kind is its `id`, the key of another table its time. `where` names further fields
    and their values, e.g. the timeframe of candles. `fields` are read instead of all that clients
    see. With `newest`, a limit leaves the newest rows instead of the first.
    """

    table: Table
    instrument_id: int
    span: Span = EVER
    where: Mapping[str, int] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    newest: bool = False
    after: int = LOWEST
    before: int = HIGHEST

    @property
    def is_stream(self) -> bool:
        return isinstance(self.table, Kind)

    @property
    def key(self) -> str:
        return "id" if self.is_stream else clock(self.table)

    @property
    def types(self) -> dict[str, np.dtype[Any]]:
        """Return the fields to read, with their types; the field of the key is included."""
        names = self.fields or tuple(column.field for column in self.table.columns)
        with_key = dict.fromkeys((*names, "seq" if self.is_stream else self.key))
        return {name: self.table.dtype[name] for name in with_key}

    def key_of(self, found: Mapping[str, NDArray[Any]], row: int) -> int:
        """Return the key of a row that was read."""
        if self.is_stream:
            return row_key(self.instrument_id, int(found["seq"][row]))
        return int(found[self.key][row])

    def within(self, after: int = LOWEST, before: int = HIGHEST) -> "Selection":
        """Return the rows that are also within these bounds, both exclusive."""
        return replace(self, after=max(self.after, after), before=min(self.before, before))

    def beyond(self, key: int) -> "Selection":
        """Return the rows that follow the row of `key` in the order of reading."""
        return self.within(before=key) if self.newest else self.within(after=key)

    def sql(self, limit: int, *, by_time: bool = False) -> tuple[str, list[int]]:
        """Return a SELECT of the first `limit` rows, with the parameters of its `%s`.

        `by_time`: read a span of a kind whose times increase strictly from the index of instrument
        and time, which may hold all that is read, rather than from that of the key.
        """
        key, bounds = self.key, self._stream_bounds if self.is_stream else self._time_bounds
        if by_time and self._has_span_of_strict_times:
            key, bounds = clock(self.table), self._timed_stream_bounds
        conditions = [*bounds(), *((f"{name} = %s", [value]) for name, value in self.where.items())]
        where = " AND ".join(condition for condition, _ in conditions)
        parameters = [value for _, values in conditions for value in values]
        order = f"{key} DESC" if self.newest else key
        return (
            f"SELECT {', '.join(map(quoted, self.types))} FROM {self.table.table} "  # noqa: S608
            f"WHERE {where} ORDER BY {order} LIMIT %s",
            [*parameters, limit],
        )

    @property
    def _has_span_of_strict_times(self) -> bool:
        strict = isinstance(self.table, Kind) and self.table.clock == "strict"
        return strict and self.span != EVER

    def _time_bounds(self) -> Sequence[tuple[str, list[int]]]:
        start, end = self.span
        after = self.after if start is None else max(self.after, start - 1)
        before = self.before if end is None else min(self.before, end)
        return [
            ("instrument_id = %s", [self.instrument_id]),
            (f"{self.key} > %s", [after]),
            (f"{self.key} < %s", [before]),
        ]

    def _timed_stream_bounds(self) -> Sequence[tuple[str, list[int]]]:
        """Return bounds of the time; those of the key are looked up in the primary key."""
        lowest, highest = key_range(self.instrument_id)
        time, table = clock(self.table), self.table.table
        lookup = f"(SELECT {time} FROM {table} WHERE id > %s AND id < %s ORDER BY id"  # noqa: S608
        bounds = [("instrument_id = %s", [self.instrument_id])]
        if self.span.start is not None:
            bounds.append((f"{time} >= %s", [self.span.start]))
        if self.span.end is not None:
            bounds.append((f"{time} < %s", [self.span.end]))
        if self.after > lowest:
            bounds.append((f"{time} >= {lookup} LIMIT 1)", [self.after, highest]))
        if self.before < highest:
            bounds.append((f"{time} <= {lookup} DESC LIMIT 1)", [lowest, self.before]))
        return bounds

    def _stream_bounds(self) -> Sequence[tuple[str, list[int]]]:
        """Return bounds of the primary key; the times of a span are looked up in their index.

        One lower and one upper bound: of several, SQLite seeks by one and scans up to the other.
        """
        lowest, highest = key_range(self.instrument_id)
        first, end = max(self.after, lowest) + 1, min(self.before, highest)
        low, high = ("id >= %s", [first]), ("id < %s", [end])
        time = clock(self.table)
        lookup = (
            f"(SELECT id FROM {self.table.table} WHERE instrument_id = %s AND {time} >= %s "  # noqa: S608
            f"ORDER BY {time}, id LIMIT 1)"
        )
        if self.span.start is not None:
            later = f"SELECT COALESCE({lookup}, {HIGHEST}) AS k UNION ALL SELECT %s"
            low = (
                f"id >= (SELECT max(k) FROM ({later}) AS later)",  # noqa: S608
                [self.instrument_id, self.span.start, first],
            )
        if self.span.end is not None:
            earlier = f"SELECT {lookup} AS k UNION ALL SELECT %s"
            high = (
                f"id < (SELECT min(k) FROM ({earlier}) AS earlier)",  # noqa: S608
                [self.instrument_id, self.span.end, end],
            )
        return low, high


def select(
    table: Table,
    instrument_id: int,
    *,
    span: Span = EVER,
    since: int = 0,
    where: Mapping[str, int] | None = None,
    fields: Sequence[str] = (),
    newest: bool = False,
) -> Selection:
    """Return a Selection; of a kind, only records after seq `since`."""
    if since and not isinstance(table, Kind):
        raise ValueError(f"table {table.name} has no seq, so since must be 0, not {since}")
    return Selection(
        table=table,
        instrument_id=instrument_id,
        span=span,
        where=where or {},
        fields=tuple(fields),
        newest=newest,
        after=row_key(instrument_id, since) if isinstance(table, Kind) else LOWEST,
    )
