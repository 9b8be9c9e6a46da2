"""Database reads of the live path, all in one thread beside the event loop."""

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

P = ParamSpec("P")
T = TypeVar("T")

RETRY_S = 0.5


class Reader:
    """Retries an unavailable database after RETRY_S; until then every read fails at once.

    Otherwise queued reads would each wait for a time-out, long after the database is back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._unavailable_until = float("-inf")

    def __call__(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `read(*args)`; raise DatabaseError (in the thread)."""
        if self._clock() < self._unavailable_until:
            raise OperationalError("the database is unavailable")
        try:
            return read(*args, **kwargs)
        except (OperationalError, InterfaceError):
            self._unavailable_until = self._clock() + RETRY_S
            raise


reader = Reader()


async def read(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `function(*args)`, run in the thread; raise DatabaseError."""
    result: T = await database_sync_to_async(reader)(function, *args, **kwargs)
    return result
