"""The connections of Django's caches to Redis."""

from functools import cache
from typing import Any, Self

from redis import ConnectionPool


class ProcessPool(ConnectionPool):
    """A pool that all threads and tasks of a process share.

    Django makes a cache for each thread and for each asynchronous request. With a pool of its own
    each request would connect to Redis, and leave that connection to the garbage collector.
    """

    @classmethod
    @cache
    def from_url(cls, url: str, **options: Any) -> Self:
        """Return the pool of this URL and these options, the same one each time."""
        return super().from_url(url, **options)
