"""Sealed credentials in a real Redis: what a stolen dump shows."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from django.utils import timezone
from pytest_django import Settings

from pytrade.caches import shared_cache
from scripts.services import Redis
from venues.gateway import vault
from venues.gateway.credentials import LASTS_S, Credentials
from venues.gateway.models import SealingKey

pytestmark = [pytest.mark.processes, pytest.mark.django_db]


@pytest.fixture
def client(settings: Settings) -> Iterator["redis.Redis"]:
    with Redis() as running:
        cache = shared_cache(running.url, vault.CACHE, timeout_s=2)
        settings.CACHES = {**settings.CACHES, vault.CACHE: cache}
        with redis.Redis.from_url(running.url) as client:
            yield client


def test_redis_holds_no_clear_text_and_deletes_what_expires(client: "redis.Redis") -> None:
    handles = [vault.keep(Credentials(f"id-{n}", f"clear-{n}")) for n in range(50)]
    keys = list(client.scan_iter("*"))
    assert len(keys) == 50
    assert not any(b"clear" in (client.dump(key) or b"") for key in keys)
    assert all(0 < client.ttl(key) <= LASTS_S for key in keys)
    assert vault.take(handles[0]) == Credentials("id-0", "clear-0")
    assert vault.purge() == 0
    SealingKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert vault.purge() == 49
    assert client.dbsize() == 0
