"""A client that says what it holds gets exactly what it lacks."""

from typing import Any

import numpy as np
import pytest
from django.core.cache import caches
from django.test import Client

from instruments.models import Instrument
from journal.models import Stream
from orderflow.models import Cluster
from orderflow.ranges import Held, Range, gaps, parse, united
from orderflow.tests.naive import random_trades
from orderflow.tests.recorded import make_traded, record, store

API = "/api/v1/instruments/ES/footprint"
MINUTE = 60_000


@pytest.fixture
def es(db: None) -> Instrument:
    caches["clusters"].clear()
    return make_traded()


def sync(client: Client, held: list[list[int]] | None = None, **query: Any) -> dict[str, Any]:
    stated = ",".join("-".join(map(str, each)) for each in held or [])
    response = client.get(f"{API}/sync/", {**query, "held": stated})
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def whole(client: Client, **query: Any) -> list[Any]:
    rows: list[Any] = client.get(f"{API}/", {"limit": "all", **query}).json()["rows"]
    return rows


def test_gaps_and_unions_of_ranges() -> None:
    held = [Held(0, 10, 1), Held(20, 30, 2), Held(30, 35, 0)]
    assert gaps(Range(5, 50), held) == [(10, 20), (35, 50)]
    assert gaps(Range(0, 10), held) == []
    assert gaps(Range(12, 15), held) == [(12, 15)]
    assert united(held) == [(0, 10, 1), (20, 35, 2)]
    assert united([*held, Held(10, 20, 7)]) == [(0, 35, 2)]
    assert parse("5-9-0,1-2-3,-9--5-4") == [(-9, -5, 4), (1, 2, 3), (5, 9, 0)]


def test_a_client_with_nothing_gets_everything_once(client: Client, es: Instrument) -> None:
    record(es, 2_000)
    rows = whole(client)
    first = sync(client, start=0)
    assert first["rows"] == rows[:-1]
    assert (first["open"], first["complete"], first["stale"]) == (rows[-1], True, [])
    assert first["seq"] == len(rows) - 1
    assert first["held"][0][:2] == [0, rows[-1][0]]
    again = sync(client, first["held"], start=0)
    assert (again["rows"], again["held"], again["open"]) == ([], first["held"], rows[-1])
    assert sync(client, limit=10)["rows"] == rows[-11:-1]


def test_a_client_gets_exactly_what_it_lacks(client: Client, es: Instrument) -> None:
    record(es, 3_000)
    rows = whole(client, step=3)
    rng = np.random.default_rng(1)
    for _ in range(15):
        cuts = np.sort(rng.choice(len(rows) - 1, 4, replace=False)).tolist()
        held: list[list[int]] = []
        for first, end in (cuts[:2], cuts[2:]):
            span = {"start": rows[first][0], "end": rows[end][0]}
            held += sync(client, step=3, **span)["held"]
        start, end = np.sort(rng.integers(rows[0][0], rows[-1][0] + MINUTE, 2)).tolist()
        body = sync(client, held, start=start, end=end, step=3)
        known = {row[0] for row in rows if any(f <= row[0] < t for f, t, _ in held)}
        lacking = [r for r in rows[:-1] if start <= r[0] < end and r[0] not in known]
        assert body["rows"] == lacking
        assert (body["open"] == rows[-1]) == (end > rows[-1][0])
        assert body["complete"]
        assert sync(client, body["held"], start=start, end=end, step=3)["rows"] == []


def test_more_than_the_limit_comes_in_several_answers_the_newest_first(
    client: Client, es: Instrument
) -> None:
    record(es, 1_000)
    rows = whole(client)[:-1]
    held: list[list[int]] = sync(client, start=rows[40][0], end=rows[60][0])["held"]
    got: list[Any] = rows[40:60]
    for _ in range(100):
        body = sync(client, held, start=rows[0][0], limit=17)
        assert len(body["rows"]) <= 17
        got += body["rows"]
        held = body["held"]
        if body["complete"]:
            break
        assert body["rows"]
    assert sorted(got) == rows
    assert len(held) == 1


def test_a_client_of_a_replaced_database_discards_what_differs(
    client: Client, es: Instrument
) -> None:
    trades = random_trades(np.random.default_rng(1), 2_000)
    store(es, trades.copy())
    rows = whole(client)
    early = sync(client, start=0, end=rows[100][0])["held"]
    late = sync(client, start=rows[100][0], end=rows[-2][0])["held"]
    replace_all(es)
    changed = trades.copy()
    changed["lots"][trades["seq"] > rows[100][-1] + 50] += 1  # from soon after the early range
    store(es, changed)
    after = whole(client)
    assert after[:100] == rows[:100]
    body = sync(client, early + late, start=0)
    assert body["stale"] == [late[0][:2]]
    assert body["rows"] == after[100:-1]
    kept = rows[:100] + body["rows"]
    assert kept == after[:-1]


def replace_all(es: Instrument) -> None:
    """Empty the streams of an instrument, as if another database were put in place."""
    es.trades.all().delete()
    es.trade_candles.all().delete()
    Cluster.objects.all().delete()
    Stream.objects.filter(instrument=es).update(last_seq=0)


def test_the_cache_is_not_believed_after_the_database_was_replaced(
    client: Client, es: Instrument
) -> None:
    trades = random_trades(np.random.default_rng(1), 2_000)
    store(es, trades.copy())
    before = whole(client)
    assert whole(client) == before
    replace_all(es)
    changed = trades.copy()
    changed["lots"][500:] += 1
    store(es, changed)
    cached = whole(client)
    caches["clusters"].clear()
    assert cached == whole(client) != before


@pytest.mark.parametrize(
    "held",
    ["1-2", "5-5-1", "a-b-c", "1-10-0,5-20-0", "5--5-2", "1-2--3", ",".join(["1-2-3"] * 201)],
)
def test_bad_ranges_are_refused(client: Client, es: Instrument, held: str) -> None:
    response = client.get(f"{API}/sync/", {"held": held})
    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["held"]


def test_without_trades_nothing_is_held(client: Client, es: Instrument) -> None:
    body = sync(client, [[0, 60_000, 5]])
    assert (body["rows"], body["held"], body["stale"]) == ([], [], [[0, 60_000]])
    assert (body["open"], body["complete"], body["seq"]) == (None, True, 0)
