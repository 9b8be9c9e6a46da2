"""SELECTs without the ORM, whose compiler and rows would take longer than the database."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from django.db import connection
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

from archive.selections import Selection, quoted

Row = Sequence[Any]
Array = NDArray[Any]
SENT: Final = {"i": ("int8send", "bigint", ">i8"), "f": ("float8send", "float8", ">f8")}
"""Of each kind of NumPy type: PostgreSQL's binary output, the type it takes, how NumPy reads it."""


def fetch(sql: str, parameters: Sequence[int | str]) -> list[Row]:
    """Return all rows of a SELECT with `%s` for its parameters."""
    with _cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()  # type: ignore[no-any-return]  # rows of a cursor are Any


def statement(selection: Selection, limit: int) -> tuple[str, list[int]]:
    """Return the SELECT of a selection in the form that makes this database read least.

    PostgreSQL's index of instrument and time holds whole quotes; SQLite stores rows in the tree of
    their primary key.
    """
    return selection.sql(limit, by_time=connection.vendor == "postgresql")


def fetch_arrays(
    types: Mapping[str, np.dtype[Any]], select: str, parameters: Sequence[int]
) -> dict[str, Array]:
    """Return the columns that `types` names of a SELECT, as arrays of these types.

    Columns are numbers, or bytes in arrays of dtype object. The database makes one value of many
    rows: two to four times as fast as fetching them. SQLite's driver also releases the GIL at every
    row, so threads that fetch rows side by side wait for each other hundreds of times a request.
    """
    if connection.vendor == "postgresql":
        return _from_bytes(types, select, parameters)
    if all(dtype.kind == "i" for dtype in types.values()):
        return _from_texts(types, select, parameters)
    return _from_rows(types, select, parameters)


def _from_bytes(
    types: Mapping[str, np.dtype[Any]], select: str, parameters: Sequence[int]
) -> dict[str, Array]:
    """Read the numbers of all rows in PostgreSQL's binary format, row after row, as one value.

    Of each column of bytes, the lengths are among the numbers and the bytes are one more value.
    """
    blobs = [name for name, dtype in types.items() if dtype.kind == "O"]
    sent = {name: SENT[dtype.kind] for name, dtype in types.items() if dtype.kind != "O"}
    fields = [f"{send}({quoted(name)}::{cast})" for name, (send, cast, _) in sent.items()]
    fields += [f"int4send(length({quoted(name)}))" for name in blobs]
    joined = [" || ".join(fields), *map(quoted, blobs)]
    values = ", ".join(f"string_agg({each}, ''::bytea)" for each in joined)
    ((numbers, *found),) = fetch(f"SELECT {values} FROM ({select}) AS found", parameters)  # noqa: S608
    wires = [(name, wire) for name, (_, _, wire) in sent.items()]
    rows = np.frombuffer(numbers or b"", [*wires, *((name, ">i4") for name in blobs)])
    arrays = {name: rows[name].astype(types[name]) for name in sent}
    for name, data in zip(blobs, found, strict=True):
        arrays[name] = split(data or b"", rows[name])
    return {name: arrays[name] for name in types}


def split(joined: bytes, lengths: Array) -> Array:
    """Return the parts of `joined` that have these lengths, shape (n,), as an array of bytes."""
    parts = np.empty(len(lengths), dtype=object)
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    parts[:] = [joined[start:end] for start, end in pairwise([0, *ends])]
    return parts


def _from_texts(
    types: Mapping[str, np.dtype[Any]], select: str, parameters: Sequence[int]
) -> dict[str, Array]:
    """Read a text per column: SQLite prints whole numbers faster than Python fetches them."""
    texts = ", ".join(f"group_concat({quoted(name)})" for name in types)
    ((*found,),) = fetch(f"SELECT {texts} FROM ({select}) AS found", parameters)  # noqa: S608
    return {
        name: np.fromstring(text or "", dtype=np.int64, sep=",").astype(dtype, copy=False)
        for (name, dtype), text in zip(types.items(), found, strict=True)
    }


def _from_rows(
    types: Mapping[str, np.dtype[Any]], select: str, parameters: Sequence[int]
) -> dict[str, Array]:
    """Read row by row: SQLite prints neither bytes nor all floating-point numbers exactly."""
    names = ", ".join(map(quoted, types))
    rows = fetch(f"SELECT {names} FROM ({select}) AS found", parameters)  # noqa: S608
    columns = zip(*rows, strict=True) if rows else [()] * len(types)
    return {
        name: np.array(values, dtype)
        for (name, dtype), values in zip(types.items(), columns, strict=True)
    }


def _cursor() -> CursorWrapper:
    """Return a cursor; on PostgreSQL one that prepares frequent statements and reads binary rows.

    Django's own binds on the client and reads text, which doubles the time for a table of numbers.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    import psycopg  # takes a tenth of the start of a process, and SQLite does without

    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.format = psycopg.pq.Format.BINARY
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return wrap(cursor)  # type: ignore[arg-type]  # a cursor of psycopg, as Django's own are
