"""Database calls from coroutines, in threads of their own, and repeats of those that were late."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import IntegrityError

from trading.journeys import StaleError

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS: Final = 5
_threads: Final = ThreadPoolExecutor(4, thread_name_prefix="trading")


async def in_thread(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a call that uses the database in a thread."""
    run = database_sync_to_async(call, thread_sensitive=False, executor=_threads)
    result: R = await run(*args, **kwargs)
    return result


def applied(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call, and again if another process changed the same row at the same time."""
    for _ in range(ATTEMPTS - 1):
        try:
            return call(*args, **kwargs)
        except (StaleError, IntegrityError):
            continue
    return call(*args, **kwargs)
