"""The cache of rows: hits, misses, failures."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from pytest_django.fixtures import Settings

from instruments.models import Instrument
from orderflow import metrics, stretches
from orderflow.stretches import CANDLES, Cache
from orderflow.tests.recorded import make_traded, record

API = "/api/v1/instruments/ES/footprint/?limit=all&step=2"


@pytest.fixture
def es(db: None, monkeypatch: pytest.MonkeyPatch) -> Instrument:
    caches["clusters"].clear()
    monkeypatch.setattr(stretches, "cache", Cache())
    es = make_traded()
    record(es, 4_000)
    return es


@pytest.fixture
def looked_up() -> Callable[[], dict[str, float]]:
    def counts() -> dict[str, float]:
        return {each: metrics.CACHED.labels(each)._value.get() for each in ("hit", "miss")}

    before = counts()
    return lambda: {name: count - before[name] for name, count in counts().items()}


def rows(client: Client) -> list[Any]:
    found: list[Any] = client.get(API).json()["rows"]
    return found


def test_closed_stretches_are_computed_once(
    client: Client, es: Instrument, looked_up: Callable[[], dict[str, float]]
) -> None:
    first = rows(client)
    length = CANDLES * 60_000
    numbers = {row[0] // length for row in first[:-1]}
    assert looked_up() == {"hit": 0, "miss": len(numbers)}
    assert rows(client) == first
    closed = sum((number + 1) * length <= first[-1][0] for number in numbers)
    assert looked_up() == {"hit": closed, "miss": 2 * len(numbers) - closed}
    key = f"clusters:ES:1m:2:{min(numbers) * length}"
    assert caches["clusters"].get(key) is not None


def test_an_unavailable_redis_changes_nothing(
    client: Client, es: Instrument, settings: Settings
) -> None:
    right = rows(client)
    backend = "django.core.cache.backends.redis.RedisCache"
    nobody = {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {**settings.CACHES, "clusters": nobody}
    before = metrics.CACHE_ERRORS._value.get()
    assert [rows(client) for _ in range(3)] == [right] * 3
    assert metrics.CACHE_ERRORS._value.get() == before + 1  # then it is left alone for a while
