"""Bulk inserts: COPY on PostgreSQL, executemany on SQLite."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from market.keys import LARGEST_SEQ, SEQ_BITS, row_key
from market.kinds import Kind, Rows, Table

Columns = Mapping[str, NDArray[Any]]

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
    """Insert numeric rows given as columns of shape (n,)."""
    names = [connection.ops.quote_name(name) for name in columns]
    if connection.vendor == "postgresql":
        _copy(table, names, list(columns.values()))
    else:
        marks = ", ".join(["%s"] * len(names))
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608
                list(rows),
            )


def _copy(table: str, names: Sequence[str], columns: Sequence[NDArray[Any]]) -> None:
    """COPY in PostgreSQL's binary format: field count per row, length and value per field."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for index, column in enumerate(columns):
        value = f">{column.dtype.kind}{column.itemsize}"
        layout += [(f"length{index}", ">i4"), (f"value{index}", value)]
    rows = np.empty(len(columns[0]), dtype=layout)
    rows["fields"] = len(columns)
    for index, column in enumerate(columns):
        rows[f"length{index}"] = column.itemsize
        rows[f"value{index}"] = column
    statement = f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT binary)"
    with (
        connection.wrap_database_errors,  # Django wraps errors of execute(), not of copy()
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.write(COPY_HEADER)
        copy.write(rows.view(np.uint8).data)
        copy.write(COPY_TRAILER)
