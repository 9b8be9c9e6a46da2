"""SELECTs without the ORM, whose compiler and rows would take longer than the database."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

Row = Sequence[Any]
Array = NDArray[Any]
SENT: Final = {"i": ("int8send", "bigint", ">i8"), "f": ("float8send", "float8", ">f8")}
"""Of each kind of NumPy type: PostgreSQL's binary output, the type it takes, how NumPy reads it."""


def fetch(sql: str, parameters: Sequence[int | str]) -> list[Row]:
    """Return all rows of a SELECT with `%s` for its parameters."""
    with _cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()  # type: ignore[no-any-return]


def fetch_arrays(
    types: Mapping[str, np.dtype[Any]], select: str, parameters: Sequence[int]
) -> dict[str, Array]:
    """Return the columns that `types` names of a SELECT of numbers, as arrays of these types.

    The database makes one value of many rows: two to four times as fast as fetching them. SQLite's
    driver also releases the GIL at every row, so threads that fetch rows side by side wait for
    each other hundreds of times a request.
    """
    if connection.vendor == "postgresql":
        return _from_bytes(types, select, parameters)
    if all(dtype.kind == "i" for dtype in types.values()):
        return _from_texts(types, select, parameters)
    return _from_rows(types, select, parameters)


def _from_bytes(
    types: Mapping[str, np.dtype[Any]], select: str, parameters: Sequence[int]
) -> dict[str, Array]:
    """Read one value: the numbers of all rows in PostgreSQL's binary format, row after row."""
    sent = {name: SENT[dtype.kind] for name, dtype in types.items()}
    row = " || ".join(f"{send}({name}::{cast})" for name, (send, cast, _) in sent.items())
    sql = f"SELECT string_agg({row}, ''::bytea) FROM ({select}) AS found"  # noqa: S608
    ((value,),) = fetch(sql, parameters)
    layout = np.dtype([(name, wire) for name, (_, _, wire) in sent.items()])
    rows = np.frombuffer(value or b"", layout)
    return {name: rows[name].astype(dtype) for name, dtype in types.items()}


def _from_texts(
    types: Mapping[str, np.dtype[Any]], select: str, parameters: Sequence[int]
) -> dict[str, Array]:
    """Read a text per column: SQLite prints whole numbers faster than Python fetches them."""
    texts = ", ".join(f"group_concat({name})" for name in types)
    ((*found,),) = fetch(f"SELECT {texts} FROM ({select}) AS found", parameters)  # noqa: S608
    return {
        name: np.fromstring(text or "", dtype=np.int64, sep=",").astype(dtype, copy=False)
        for (name, dtype), text in zip(types.items(), found, strict=True)
    }


def _from_rows(
    types: Mapping[str, np.dtype[Any]], select: str, parameters: Sequence[int]
) -> dict[str, Array]:
    """Read row by row: SQLite does not print all floating-point numbers exactly."""
    names = ", ".join(types)
    rows = fetch(f"SELECT {names} FROM ({select}) AS found", parameters)  # noqa: S608
    layout = np.dtype(list(types.items()))
    found = np.array([tuple(row) for row in rows], dtype=layout)
    return {name: np.ascontiguousarray(found[name]) for name in types}


def _cursor() -> CursorWrapper:
    """Return a cursor; on PostgreSQL one that prepares frequent statements and reads binary rows.

    Django's own binds on the client and reads text, which doubles the time for a table of numbers.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.format = psycopg.pq.Format.BINARY
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return wrap(cursor)  # type: ignore[arg-type]  # a cursor of psycopg, as Django's own are
