"""The gateway of a test's process."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import caches

from venues.gateway import publishing, running, schedule, vault


@contextmanager
def own_gateway() -> Iterator[None]:
    """Stop the gateway, if the block used it, and forget everything that it knows."""
    try:
        yield
    finally:
        schedule.stop()
        running.stop()
        publishing.forget_loop()
        caches[vault.CACHE].clear()
