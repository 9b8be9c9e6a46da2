"""Bulk rows into the database: COPY on PostgreSQL, executemany on SQLite."""

from collections.abc import Mapping, Sequence

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from market.candles import Candles
from market.ticks import Ticks
from quotes.models import SEQ_BITS, Candle, Quote

Columns = Mapping[str, NDArray[np.int64]]

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"


def insert_quotes(ticks: Ticks) -> None:
    """Insert ticks of any instruments, shape (n,)."""
    columns = {
        "id": (ticks["instrument"] << SEQ_BITS) + ticks["seq"],
        "instrument_id": ticks["instrument"],
        "seq": ticks["seq"],
        "at": ticks["at"],
        "ticks": ticks["ticks"],
    }
    insert_rows(Quote._meta.db_table, columns)


def insert_candles(instrument_id: int, timeframe_s: int, candles: Candles) -> None:
    """Insert closed candles of one instrument and timeframe, shape (n,)."""
    columns = {name: candles[name] for name in candles.dtype.names or ()}
    columns["instrument_id"] = np.full(len(candles), instrument_id)
    columns["timeframe"] = np.full(len(candles), timeframe_s, dtype=np.int32)
    insert_rows(Candle._meta.db_table, columns)


def insert_rows(table: str, columns: Columns) -> None:
    """Insert rows of integers, given by column; every column has shape (n,)."""
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


def _copy(table: str, names: Sequence[str], columns: Sequence[NDArray[np.int64]]) -> None:
    """COPY in PostgreSQL's binary format: per row a field count, per field length and value."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for index, column in enumerate(columns):
        layout += [(f"length{index}", ">i4"), (f"value{index}", f">i{column.itemsize}")]
    rows = np.empty(len(columns[0]), dtype=layout)
    rows["fields"] = len(columns)
    for index, column in enumerate(columns):
        rows[f"length{index}"] = column.itemsize
        rows[f"value{index}"] = column
    statement = f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT binary)"
    with (
        connection.wrap_database_errors,  # Django wraps the driver's errors of execute, not of copy
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.write(COPY_HEADER)
        copy.write(memoryview(rows).cast("B"))
        copy.write(COPY_TRAILER)
