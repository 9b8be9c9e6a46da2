"""Which books are followed closely: those are recorded in each pass, all others twice a second.

Whoever shows the changes of a book to its clients says so once a second. Processes share that
through the cache "books". Without Redis it is the memory of one process, so the exchange follows
only what doors in its own process announce.
"""

import threading
import time
from collections.abc import Callable, Collection, Set
from typing import Final, TypeVar

import structlog
from django.core.cache import caches

from web.rediserrors import redis_error

logger = structlog.get_logger(__name__)
T = TypeVar("T")

CACHE: Final = "books"
AGAIN_S: Final = 1.0
"""From one message that a book is followed to the next, and from one look to the next."""
FRESH_S: Final = 3
RETRY_S: Final = 10.0


class Outage:
    """Whether the cache is unavailable: logged when that begins and when it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_on = False

    def reached(self, ask: Callable[[], T]) -> T | None:
        """Return what the cache answers, None while it is unavailable."""
        try:
            found = ask()
        except (OSError, redis_error()) as error:
            if self._changes(is_on=True):
                logger.warning("cache of books unavailable", error=str(error).strip())
            return None
        if self._changes(is_on=False):
            logger.warning("cache of books available again")
        return found

    def _changes(self, *, is_on: bool) -> bool:
        with self._lock:
            changed, self._is_on = self._is_on is not is_on, is_on
        return changed


_outage: Final = Outage()
"""Of this process."""


def follow(keys: Collection[int]) -> None:
    """Say that the books of these instruments are followed; do nothing without the cache."""
    _outage.reached(lambda: caches[CACHE].set_many({str(key): True for key in keys}, FRESH_S))


class FollowedBooks:
    """What one thread knows of it. Asking the cache must not delay that thread often."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: Set[int] = frozenset()
        self._next_at = float("-inf")

    def among(self, keys: Collection[int]) -> Set[int]:
        """Return the instruments whose books are followed, as of the last AGAIN_S."""
        now = self._clock()
        if now >= self._next_at:
            found = _outage.reached(lambda: caches[CACHE].get_many([str(key) for key in keys]))
            self._known = frozenset(map(int, found or ()))
            self._next_at = now + (RETRY_S if found is None else AGAIN_S)
        return self._known
