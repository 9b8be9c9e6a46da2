"""Range scans of any table, of a bounded number of rows or chunk by chunk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from archive.columns import Columns, joined
from archive.database import fetch, fetch_arrays
from archive.selections import EVER, Selection, Span, clock
from instruments.models import Instrument
from market.keys import key_range, row_key
from market.kinds import Kind, Table

CHUNK: Final = 65_536
"""Rows per SELECT. A chunk is one short transaction and a few megabytes."""


def select(
    table: Table,
    instrument: Instrument,
    *,
    span: Span = EVER,
    since: int = 0,
    where: Mapping[str, int] | None = None,
    fields: Sequence[str] = (),
    newest: bool = False,
) -> Selection:
    """Return which rows of `instrument` to read: those of `span`, of a kind those after `since`.

    `where`: further fields and their values, e.g. the timeframe of candles. `fields`: what to read
    if not all that clients see. `newest`: a limit leaves the newest rows, not the first.
    """
    selection = Selection(
        table=table,
        instrument_id=instrument.pk,
        fields=tuple(fields),
        where=where or {},
        newest=newest,
    )
    if isinstance(table, Kind):
        return selection.within(*_keys(table, instrument.pk, since, span))
    if since:
        raise ValueError(f"table {table.name} has no seq: since is {since}, use 0")
    if span.start is not None:
        selection = selection.within(after=span.start - 1)
    return selection if span.end is None else selection.within(before=span.end)


def _keys(kind: Kind, instrument_id: int, since: int, span: Span) -> tuple[int, int]:
    """Return the ids between which, both exclusive, the records of a span are.

    The times are looked up first, so that the scan is a range of the primary key.
    """
    after, before = row_key(instrument_id, since), key_range(instrument_id)[1]
    lookup = (
        f"SELECT id FROM {kind.table} WHERE instrument_id = %s "  # noqa: S608
        f"AND {clock(kind)} >= %s ORDER BY {clock(kind)}, id LIMIT 1"
    )
    if span.start is not None:
        found = fetch(lookup, (instrument_id, span.start))
        after = max(after, found[0][0] - 1) if found else before
    if span.end is not None:
        found = fetch(lookup, (instrument_id, span.end))
        before = found[0][0] if found else before
    return after, before


def scan(
    table: Table,
    instrument: Instrument,
    *,
    span: Span = EVER,
    since: int = 0,
    where: Mapping[str, int] | None = None,
    fields: Sequence[str] = (),
    newest: bool = False,
    limit: int | None = None,
) -> Columns:
    """Return at most `limit` rows as `select` means them, in ascending order."""
    selection = select(
        table, instrument, span=span, since=since, where=where, fields=fields, newest=newest
    )
    return read(selection, instrument, limit)


def read(selection: Selection, instrument: Instrument, limit: int | None = None) -> Columns:
    """Return at most `limit` rows of a selection, in ascending order."""
    parts = list(chunks(selection, instrument, limit))
    return joined(parts[::-1] if selection.newest else parts)


def chunks(
    selection: Selection, instrument: Instrument, limit: int | None = None, size: int = CHUNK
) -> Iterator[Columns]:
    """Yield the rows of a selection in chunks of at most `size`, each ascending; at least one."""
    left = limit
    while True:
        wanted = size if left is None else min(size, left)
        chunk = _chunk(selection, instrument, wanted)
        yield chunk
        left = None if left is None else left - wanted
        if len(chunk) < wanted or left == 0:
            return
        selection = selection.beyond(_end(selection, chunk))


def _end(selection: Selection, chunk: Columns) -> int:
    """Return the key of the row of `chunk` that was read last."""
    return selection.key_of(chunk.numbers, 0 if selection.newest else -1)


def _chunk(selection: Selection, instrument: Instrument, limit: int) -> Columns:
    found = fetch_arrays(selection.types, *selection.sql(limit))
    columns = Columns(selection.table, instrument.lattice, found)
    return columns.part(slice(None, None, -1)) if selection.newest else columns


def read_each(selections: Sequence[Selection], limits: Sequence[int], instrument: Instrument) -> Columns:
    """Return rows of several selections of one table, ascending by time, in one SELECT."""
    parts = [part.sql(limit) for part, limit in zip(selections, limits, strict=True)]
    sql = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS part{n}" for n, (sql, _) in enumerate(parts))
    found = fetch_arrays(selections[0].types, sql, list(chain(*(given for _, given in parts))))
    columns = Columns(selections[0].table, instrument.lattice, found)
    return columns.part(columns[clock(columns.table)].argsort(kind="stable"))


def until_now(selection: Selection) -> Selection:
    """Return the same selection without rows that are recorded from now on."""
    sql, parameters = replace(selection, newest=True).sql(1)
    found = fetch_arrays(selection.types, sql, parameters)
    if not len(next(iter(found.values()))):
        return selection.within(before=selection.after)
    return selection.within(before=selection.key_of(found, -1) + 1)
