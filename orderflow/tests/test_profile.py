"""The profile of a span equals the sums of its trades, to the microsecond."""

import csv
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.test import Client

from instruments.models import Instrument
from market.timeframes import SECONDS, opened_at
from market.times import from_microseconds
from orderflow.models import Cluster
from orderflow.tests.naive import naive_area, naive_cluster
from orderflow.tests.recorded import make_traded, record
from orderflow.tiles import tiles

API = "/api/v1/instruments/ES/profile/"


@pytest.fixture
def es(db: None) -> Instrument:
    return make_traded()


def profile(client: Client, start: int | None = None, end: int | None = None, **query: Any) -> Any:
    for name, at in (("start", start), ("end", end)):
        if at is not None:
            query[name] = from_microseconds(at).isoformat()
    response = client.get(API, query)
    assert response.status_code == 200, response.content
    return response.json()


def test_tiles_cover_a_span_once_with_the_longest_candles() -> None:
    rng = np.random.default_rng(1)
    minutes = 60_000_000
    for _ in range(300):
        start, end = np.sort(rng.integers(0, 10**6, 2)) * minutes
        found = tiles(int(start), int(end))
        edges = [edge for tile in found for edge in (tile.start, tile.end)]
        assert edges == sorted(edges)
        assert (edges[::2], edges[1::2]) == ([start, *edges[1:-1:2]], [*edges[2::2], end]) or (
            start == end and not found
        )
        assert len(found) <= 2 * len(SECONDS) - 1
        for tile in found:
            assert opened_at(tile.start, tile.timeframe_s) == tile.start
            assert opened_at(tile.end, tile.timeframe_s) == tile.end


@pytest.mark.parametrize("step", [1, 6])
def test_profile_of_any_span_equals_its_trades(client: Client, es: Instrument, step: int) -> None:
    trades = record(es, 2_000, pause_s=300)
    rng = np.random.default_rng(step)
    spans = np.sort(rng.integers(trades["at"][0] - 10**9, trades["at"][-1] + 10**9, (12, 2)))
    for start, end in [*spans.tolist(), [int(trades["at"][500]), int(trades["at"][501])]]:
        inside = trades[(trades["at"] >= start) & (trades["at"] < end)]
        body = profile(client, start, end, step=step)
        if not len(inside):
            assert (body["rows"], body["poc"], body["volume"]) == ([], None, 0)
            continue
        right = naive_cluster(start, list(inside), step)
        rows = [[p / 4, s / 10, b / 10, n] for p, s, b, n in right["rows"]]
        assert body["rows"] == rows
        area = [ticks / 4 for ticks in naive_area(right["rows"])]
        assert [body[name] for name in ("poc", "value_low", "value_high")] == area
        assert [body["volume"], body["delta"]] == [right["volume"] / 10, right["delta"] / 10]
        assert [body["first_seq"], body["last_seq"]] == [right["first_seq"], right["last_seq"]]


def test_profile_is_exact_where_clusters_are_missing(client: Client, es: Instrument) -> None:
    record(es, 2_000, pause_s=300)
    whole = profile(client)
    assert whole["volume"] > 0
    Cluster.objects.filter(timeframe=SECONDS[-2]).earliest("opened_at").delete()
    assert profile(client) == whole


def test_automatic_steps_give_at_most_200_rows(client: Client, es: Instrument) -> None:
    record(es, 4_000, pause_s=300)
    body = profile(client)
    prices = [row[0] for row in body["rows"]]
    assert (prices[-1] - prices[0]) / 0.25 / body["step"] < 200
    assert body["step"] in (1, 2, 5, 10)
    for form in ("csv", "arrow"):
        content = client.get(API, {"format": form}).content
        if form == "csv":
            header, *lines = csv.reader(content.decode().splitlines())
            assert header == body["columns"]
            rows = [[float(cell) for cell in line] for line in lines]
        else:
            table = pa.ipc.open_stream(content).read_all()
            rows = [list(row.values()) for row in table.to_pylist()]
        assert rows == body["rows"]
