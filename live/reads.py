"""Reads of the database for the stream, all of them in one thread beside the event loop."""

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

P = ParamSpec("P")
T = TypeVar("T")

RETRY_S = 0.5


class Reader:
    """Asks a database that is away again after RETRY_S; meanwhile every read fails at once.

    Else all that wait for the thread would wait for one time-out after the other, long after the
    database is back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._away_until = float("-inf")

    def __call__(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `read(*args)`; raise DatabaseError (in the thread)."""
        if self._clock() < self._away_until:
            raise OperationalError("the database is away")
        try:
            return read(*args, **kwargs)
        except (OperationalError, InterfaceError):
            self._away_until = self._clock() + RETRY_S
            raise


reader = Reader()


async def read(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `function(*args)`, run in the thread; raise DatabaseError."""
    result: T = await database_sync_to_async(reader)(function, *args, **kwargs)
    return result
