"""Statements that a transaction sends to PostgreSQL together: one wait instead of one for each."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.db import DatabaseError, connection

_checks: Final[ContextVar[list[Callable[[], None]] | None]] = ContextVar("checks", default=None)


def are_together() -> bool:
    """Whether statements are being sent without waiting for their answers."""
    return _checks.get() is not None


@contextmanager
def together() -> Iterator[None]:
    """Send the statements of the block without waiting for each (a pipeline of libpq).

    Rows that they return are there after the block, and COPY is impossible. An error of one of them
    may be raised by a later one, or at the end of the block; what a check says about statements
    before it is raised instead. Other databases execute each statement at once.
    """
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    checks: list[Callable[[], None]] = []
    token = _checks.set(checks)
    try:
        with connection.wrap_database_errors, connection.connection.pipeline():
            yield
    except DatabaseError:
        run(checks)
        raise
    finally:
        _checks.reset(token)
    run(checks)


def run(checks: Iterable[Callable[[], None]]) -> None:
    for check in checks:
        check()


def when_executed(check: Callable[[], None]) -> None:
    """Call `check` once the statements so far were executed, or given up after an error."""
    checks = _checks.get()
    if checks is None:
        check()
    else:
        checks.append(check)
