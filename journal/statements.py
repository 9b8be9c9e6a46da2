"""Statements that a transaction sends to PostgreSQL together: one wait instead of one for each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from django.db import connection

Then = Callable[[int, list[Any]], None]
"""Takes how many rows a statement found, and those that it returned; may raise an error."""


class Statement(NamedTuple):
    sql: str
    parameters: Sequence[Any]
    then: Then | None


_collected: Final[ContextVar[list[Statement] | None]] = ContextVar("collected", default=None)


def are_together() -> bool:
    """Whether statements are collected now."""
    return _collected.get() is not None


def execute(sql: str, parameters: Sequence[Any], then: Then | None = None) -> None:
    """Execute a statement at once, or at the end of `together`; then call `then`."""
    collected = _collected.get()
    statement = Statement(sql, parameters, then)
    if collected is not None:
        collected.append(statement)
        return
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        finish(cursor, statement)


@contextmanager
def together() -> Iterator[None]:
    """Collect what the block executes with `execute`, and send it as one text at the end.

    An error of one of the statements is raised before anything is called with their results. Other
    databases execute each statement at once.
    """
    if connection.vendor != "postgresql":
        yield
        return
    collected: list[Statement] = []
    token = _collected.set(collected)
    try:
        yield
    finally:
        _collected.reset(token)
    if collected:
        with connection.cursor() as cursor:
            cursor.execute(
                ";".join(cursor.mogrify(each.sql, each.parameters) for each in collected)
            )
            for each in collected:
                finish(cursor, each)
                cursor.nextset()


def finish(cursor: Any, statement: Statement) -> None:
    if statement.then is not None:
        rows = cursor.fetchall() if cursor.description is not None else []
        statement.then(cursor.rowcount, rows)
