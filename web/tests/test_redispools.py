"""Caches in Redis: how many connections they open."""

from contextvars import Context
from threading import Thread

import pytest
import redis
from django.conf import settings
from django.core.cache import caches


def use_caches() -> None:
    for name in settings.CACHES:
        caches[name].set("key", 1, timeout=1)


@pytest.mark.postgresql  # i.e. with Redis
def test_threads_and_asynchronous_requests_share_connections() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:

        def opened() -> int:
            return int(client.info("stats")["total_connections_received"])

        use_caches()
        before = opened()
        for _ in range(5):
            thread = Thread(target=use_caches)
            thread.start()
            thread.join()
            Context().run(use_caches)  # an empty context, as each request of a web server has
        assert opened() == before
