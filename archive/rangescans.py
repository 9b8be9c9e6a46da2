"""Range scans of any table: a bounded number of rows, or chunk by chunk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from archive.columns import Columns, joined
from archive.database import fetch_arrays, statement
from archive.selections import LOWEST, Selection, clock, select
from instruments.lattice import Lattice
from instruments.models import Instrument
from market.kinds import Table

CHUNK: Final = 16_384
"""Rows per SELECT: a transaction of some milliseconds, a block of a megabyte."""


def scan(
    table: Table, instrument: Instrument, *, limit: int | None = None, **which: Any
) -> Columns:
    """Return at most `limit` rows of a table, ascending; `which` as `select` takes it."""
    return read(select(table, instrument.pk, **which), instrument.lattice, limit)


def read(selection: Selection, lattice: Lattice, limit: int | None = None) -> Columns:
    """Return at most `limit` rows of a selection, ascending."""
    parts = list(chunks(selection, lattice, limit))
    return joined(parts[::-1] if selection.newest else parts)


def chunks(
    selection: Selection, lattice: Lattice, limit: int | None = None, size: int = CHUNK
) -> Iterator[Columns]:
    """Yield at least one chunk of at most `size` ascending rows; newest first if selected."""
    left = limit
    while True:
        wanted = size if left is None else min(size, left)
        found = fetch_arrays(selection.types, *statement(selection, wanted))
        chunk = Columns(selection.table, lattice, found)
        yield chunk.reversed() if selection.newest else chunk
        left = None if left is None else left - wanted
        if len(chunk) < wanted or left == 0:
            return
        selection = selection.beyond(selection.key_of(found, -1))


def read_together(parts: Sequence[tuple[Selection, int]], lattice: Lattice) -> Columns:
    """Return the rows of selections of one table with their limits, in one SELECT, by time."""
    table = parts[0][0].table
    selects = [statement(selection, limit) for selection, limit in parts]
    sql = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS part" for sql, _ in selects)  # noqa: S608
    parameters = [value for _, values in selects for value in values]
    found = Columns(table, lattice, fetch_arrays(parts[0][0].types, sql, parameters))
    return found.part(found[clock(table)].argsort(kind="stable"))


def until_now(selection: Selection) -> Selection:
    """Return the selection without the rows that are recorded from now on."""
    last = replace(selection, newest=True)
    found: Mapping[str, Any] = fetch_arrays(last.types, *statement(last, 1))
    is_empty = len(next(iter(found.values()))) == 0
    return selection.within(before=LOWEST if is_empty else selection.key_of(found, 0) + 1)
