"""The gateway of a test's process."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import caches

from venues.gateway import publishing, running, schedule, vault
from web.taskqueue import app


@contextmanager
def own_gateway() -> Iterator[None]:
    """Run its tasks at once; in the end stop it, if the block used it, and forget what it knows."""
    eager, app.conf.task_always_eager = app.conf.task_always_eager, True
    try:
        yield
    finally:
        app.conf.task_always_eager = eager
        schedule.stop()
        running.stop()
        publishing.forget_loop()
        caches[vault.CACHE].clear()
