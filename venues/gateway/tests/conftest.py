"""The gateway in the process of a test; each test has one of its own."""

from collections.abc import Iterator

import pytest
from django.core.cache import caches

from venues.gateway import publishing, running, schedule, vault


@pytest.fixture(autouse=True)
def own_gateway() -> Iterator[None]:
    yield
    schedule.stop()
    running.stop()
    publishing.forget_loop()
    caches[vault.CACHE].clear()
