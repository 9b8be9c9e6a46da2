"""Statements that a transaction sends to PostgreSQL together: one wait instead of one for each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.db import connection

_checks: Final[ContextVar[list[Callable[[], None]] | None]] = ContextVar("checks", default=None)


def are_together() -> bool:
    """Whether statements are being sent without waiting for their answers."""
    return _checks.get() is not None


@contextmanager
def together() -> Iterator[None]:
    """Send the statements of the block without waiting for each (a pipeline of libpq).

    They may return no rows, and COPY is impossible. An error of one of them may be raised by a
    later one, or at the end of the block. Other databases execute each statement at once.
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
    finally:
        _checks.reset(token)
    for check in checks:
        check()


def when_executed(check: Callable[[], None]) -> None:
    """Call `check` once the statements so far have been executed; it may raise an error."""
    checks = _checks.get()
    if checks is None:
        check()
    else:
        checks.append(check)
