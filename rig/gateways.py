"""The gateway of a test's process."""

from collections.abc import Iterator
from contextlib import contextmanager

from celery import current_app
from django.core.cache import caches

from venues.gateway import publishing, running, schedule, vault


@contextmanager
def own_gateway() -> Iterator[None]:
    """Run its tasks at once; in the end stop it, if the block used it, and forget what it knows."""
    eager, current_app.conf.task_always_eager = current_app.conf.task_always_eager, True
    try:
        yield
    finally:
        current_app.conf.task_always_eager = eager
        schedule.stop()
        running.stop()
        publishing.forget_loop()
        caches[vault.CACHE].clear()
