"""The cache of rows: hits, misses, failures."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from instruments.models import Instrument
from orderflow import metrics, rowcache
from orderflow.rowcache import CANDLES, Cache
from orderflow.tests.naive import random_trades
from orderflow.tests.recorded import make_traded, record, store

API = "/api/v1/instruments/ES/footprint/?limit=all&step=2"


@pytest.fixture
def es(db: None, monkeypatch: pytest.MonkeyPatch) -> Instrument:
    caches["clusters"].clear()
    monkeypatch.setattr(rowcache, "cache", Cache())
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


def test_stretches_are_computed_once_and_again_when_a_cluster_closed(
    client: Client, es: Instrument, looked_up: Callable[[], dict[str, float]]
) -> None:
    first = rows(client)
    length = CANDLES * 60_000
    numbers = {row[0] // length for row in first[:-1]}
    assert looked_up() == {"hit": 0, "miss": len(numbers)}
    assert rows(client) == first
    assert looked_up() == {"hit": len(numbers), "miss": len(numbers)}
    assert caches["clusters"].get(f"clusters:ES:1m:2:{min(numbers) * length}") is not None
    more = random_trades(np.random.default_rng(1), 4_010)[4_000:]
    more["at"] += 3_600_000_000
    store(es, more, batches=1)
    assert rows(client)[: len(first) - 1] == first[:-1]
    assert looked_up()["hit"] >= 2 * len(numbers) - 1


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


@pytest.mark.parametrize(("timeframe", "step", "most"), [("1m", "2", 3), ("1h", "auto", 5)])
def test_a_page_takes_few_queries_whatever_its_length(
    client: Client, es: Instrument, timeframe: str, step: str, most: int
) -> None:
    address = f"/api/v1/instruments/ES/footprint/?timeframe={timeframe}&step={step}&limit="
    client.get(f"{address}all")
    for limit in (5, 300, "all"):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"{address}{limit}").json()["rows"]
        assert len(queries) <= most
