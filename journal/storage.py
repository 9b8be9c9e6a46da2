"""Bulk inserts: COPY or arrays of values on PostgreSQL, executemany on SQLite."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, cast

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from journal import statements
from market.keys import LARGEST_SEQ, SEQ_BITS, row_key
from market.kinds import Kind, Rows, Table

Columns = Mapping[str, NDArray[Any]]

ARRAY_TYPES = {
    "O": "bytea",
    "i1": "smallint",
    "i2": "smallint",
    "i4": "integer",
    "i8": "bigint",
    "f8": "double precision",
    "b1": "boolean",
}
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"


def insert(table: Table, rows: Rows) -> None:
    """Insert rows of `table`, shape (n,), computing the primary keys of records.

    Raise SeqRangeError for a seq that does not fit in a key.
    """
    columns = {database_column(name): rows[name] for name in table.dtype.names or ()}
    if isinstance(table, Kind):
        row_key(0, int(rows["seq"].max(initial=0)))
        columns["id"] = (rows["instrument"] << SEQ_BITS) + rows["seq"]
    insert_columns(table.table, columns)


def read_record(kind: Kind, instrument_id: int, seq: int) -> Rows:
    """Return record `seq` of a stream, shape (1,), or shape (0,) if it is not stored."""
    names = kind.dtype.names or ()
    selected = ", ".join(connection.ops.quote_name(database_column(name)) for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {selected} FROM {kind.table} WHERE id = %s",  # noqa: S608 - names from our code
            [row_key(instrument_id, min(seq, LARGEST_SEQ))],
        )
        return np.array(cursor.fetchall(), dtype=kind.dtype)


def database_column(field: str) -> str:
    return "instrument_id" if field == "instrument" else field


def insert_columns(table: str, columns: Columns) -> None:
    """Insert rows given as columns of shape (n,): numbers, or bytes in arrays of dtype object."""
    if connection.vendor == "postgresql":
        write = _insert_arrays if statements.are_together() else _copy
        write(table, columns)
        return
    names = ", ".join(map(connection.ops.quote_name, columns))
    marks = ", ".join(["%s"] * len(columns))
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - names from our code
            list(rows),
        )


def _insert_arrays(table: str, columns: Columns) -> None:
    """Insert rows with a statement that can be sent together with others, which COPY cannot."""
    names = ", ".join(map(connection.ops.quote_name, columns))
    arrays = ", ".join(f"%s::{ARRAY_TYPES[column.dtype.str[1:]]}[]" for column in columns.values())
    statements.execute(
        f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})",  # noqa: S608 - names from our code
        [column.tolist() for column in columns.values()],
    )


def _copy(table: str, columns: Columns) -> None:
    ordered = dict(sorted(columns.items(), key=lambda item: item[1].dtype == object))
    names = ", ".join(map(connection.ops.quote_name, ordered))
    statement = f"COPY {table} ({names}) FROM STDIN (FORMAT binary)"
    with (
        connection.wrap_database_errors,  # Django wraps errors of execute(), not of copy()
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.write(COPY_HEADER)
        copy.write(_copied(list(ordered.values())))
        copy.write(COPY_TRAILER)


def _copied(columns: Sequence[NDArray[Any]]) -> bytes | memoryview:
    """Return rows in PostgreSQL's binary format; columns of bytes are the last ones."""
    numbers = [column for column in columns if column.dtype != object]
    heads = _heads(len(columns), numbers)
    if len(numbers) == len(columns):
        return heads.view(np.uint8).data
    pieces = [_row_bytes(heads)]
    for column in columns[len(numbers) :]:
        lengths = np.fromiter(map(len, column), ">i4", len(column))
        pieces += [_row_bytes(lengths), column.tolist()]
    return b"".join(chain.from_iterable(zip(*pieces, strict=True)))


def _heads(field_count: int, numbers: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return of each row the number of its fields, then length and value of each number."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for index, column in enumerate(numbers):
        value = f">{column.dtype.kind}{column.itemsize}"
        layout += [(f"length{index}", ">i4"), (f"value{index}", value)]
    rows = np.empty(len(numbers[0]), dtype=layout)
    rows["fields"] = field_count
    for index, column in enumerate(numbers):
        rows[f"length{index}"] = column.itemsize
        rows[f"value{index}"] = column
    return rows


def _row_bytes(rows: NDArray[Any]) -> list[bytes]:
    whole = rows.view(f"V{rows.itemsize}").tolist()
    return cast("list[bytes]", whole)
