"""Reads of rows without the ORM, where its compiler would take longer than the database."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper

Row = Sequence[Any]
Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


def fetch(sql: str, parameters: Sequence[int | str]) -> list[Row]:
    """Return all rows of a SELECT with `%s` for its parameters."""
    with _cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()  # type: ignore[no-any-return]


def fetch_columns(names: Sequence[str], select: str, parameters: Sequence[int]) -> list[Integers]:
    """Return the columns `names` of a SELECT of integers, each read as one text.

    That is three times as fast as a row per number. And sqlite3 lets go of the interpreter at each
    row: threads that read rows beside each other wait for each other hundreds of times a request.
    """
    texts = ", ".join(listed(name) for name in names)
    (found,) = fetch(f"SELECT {texts} FROM ({select}) AS found", parameters)  # noqa: S608
    return [np.empty(0, np.int64) if text is None else integers(text) for text in found]


def listed(column: str) -> str:
    """Return the SQL that makes one text of a column of integers, read by `integers`."""
    if connection.vendor == "postgresql":
        return f"string_agg(CAST({column} AS TEXT), ',')"
    return f"group_concat({column})"


def integers(text: str) -> Integers:
    return np.fromstring(text, dtype=np.int64, sep=",")


def _cursor() -> CursorWrapper:
    """Return a cursor; on PostgreSQL one that prepares what it often runs and reads binary rows.

    Django's own binds on the client and reads text: twice the time for a table of numbers.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.format = psycopg.pq.Format.BINARY
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return wrap(cursor)
