"""Clusters over HTTP equal a plain recomputation from the trades over HTTP."""

import csv
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.core.cache import caches
from django.test import Client

from exchange.kinds import TRADES
from instruments.models import Instrument
from market.kinds import Rows
from market.timeframes import TIMEFRAMES
from orderflow.rowcache import CANDLES
from orderflow.rowtexts import COLUMNS
from orderflow.tests.naive import naive_area, naive_clusters
from orderflow.tests.recorded import make_traded, record

pytestmark = pytest.mark.django_db
API = "/api/v1/instruments/ES"


@pytest.fixture
def es() -> Instrument:
    caches["clusters"].clear()
    return make_traded()


def get(client: Client, path: str, **query: Any) -> dict[str, Any]:
    response = client.get(f"{API}/{path}/", query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def all_trades(client: Client) -> Rows:
    """Return the trades over HTTP, in ticks of 0.25 and lots of 0.1."""
    rows, query = [], {"limit": 10_000}
    while True:
        body = get(client, "trades", **query)
        rows += body["rows"]
        if body["next_cursor"] is None:
            break
        query["cursor"] = body["next_cursor"]
    seq, at, price, quantity, side = (np.array(each) for each in zip(*rows, strict=True))
    trades = np.zeros(len(rows), TRADES.dtype)
    trades["seq"], trades["at"] = seq, at * 1_000
    trades["ticks"], trades["lots"] = np.rint(price * 4), np.rint(quantity * 10)
    trades["side"] = np.where(side == "buy", 1, -1)
    return trades


def plain(trades: Rows, timeframe: str, steps: list[int]) -> list[list[Any]]:
    """Return the rows of the API, each computed trade by trade with its own step."""
    by_step = {s: naive_clusters(trades, TIMEFRAMES[timeframe], s) for s in set(steps)}
    return [plain_row(by_step[step][i], step) for i, step in enumerate(steps)]


def plain_row(cluster: dict[str, Any], step: int) -> list[Any]:
    prices = [cluster[name] / 4 for name in ("open", "high", "low", "close")]
    quantities = [cluster[name] / 10 for name in ("volume", "delta", "delta_min", "delta_max")]
    area = [ticks / 4 for ticks in naive_area(cluster["rows"])]
    rows = [[ticks / 4, sell / 10, buy / 10, n] for ticks, sell, buy, n in cluster["rows"]]
    seqs = [cluster["first_seq"], cluster["last_seq"]]
    return [cluster["opened_at"] // 1000, *prices, *quantities, *area, step, rows, *seqs]


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_clusters_equal_a_recomputation_from_trades(
    client: Client, es: Instrument, timeframe: str
) -> None:
    record(es, 1_500, pause_s=TIMEFRAMES[timeframe] / 5)
    trades = all_trades(client)
    candles = get(client, "candles", of="trades", timeframe=timeframe, limit="all")
    for step in (1, 4, "auto", "auto"):
        body = get(client, "footprint", timeframe=timeframe, step=step, limit="all")
        assert (body["columns"], body["open_candle"]) == (list(COLUMNS), True)
        steps = [row[COLUMNS.index("step")] for row in body["rows"]]
        assert step == "auto" or set(steps) == {step}
        assert body["rows"] == plain(trades, timeframe, steps)
    volumes = [row[candles["columns"].index("volume")] for row in candles["rows"]]
    assert [row[COLUMNS.index("volume")] for row in body["rows"]] == volumes
    assert sum(volumes) == pytest.approx(trades["lots"].sum() / 10)


def test_random_ranges_and_pages_are_parts_of_the_whole(client: Client, es: Instrument) -> None:
    record(es, 4_000)
    whole = get(client, "footprint", step=2, limit="all")["rows"]
    assert len(whole) > 3 * CANDLES
    rng = np.random.default_rng(9)
    for _ in range(12):
        caches["clusters"].clear() if rng.random() < 0.3 else None
        start, end = np.sort(rng.integers(whole[0][0] - 10**6, whole[-1][0] + 10**6, 2)).tolist()
        right = [row for row in whole if start <= row[0] < end]
        body = get(client, "footprint", step=2, start=start, end=end, limit="all")
        assert body["rows"] == right
        assert body["open_candle"] == (end > whole[-1][0])
        newest = get(client, "footprint", step=2, end=end, limit=7)
        assert newest["rows"] == [row for row in whole if row[0] < end][-7:]
        assert pages(client, start=start, end=end, step=2, limit=50) == right
    assert get(client, "footprint", step=2, limit=1)["rows"] == whole[-1:]


def pages(client: Client, **query: Any) -> list[Any]:
    rows: list[Any] = []
    while True:
        body = get(client, "footprint", **query)
        rows += body["rows"]
        if body["next_cursor"] is None:
            return rows
        query["cursor"] = body["next_cursor"]


def test_csv_and_arrow_hold_the_same_rows(client: Client, es: Instrument) -> None:
    record(es, 2_500)
    whole = get(client, "footprint", limit="all")["rows"]
    for query in ({"limit": "all"}, {"limit": 5}):
        right = whole if query["limit"] == "all" else whole[-5:]
        text = content(client, format="csv", **query).decode()
        lines = list(csv.reader(text.splitlines()))
        assert lines[0] == list(COLUMNS)
        assert [[json.loads(cell) for cell in line] for line in lines[1:]] == right
        table = pa.ipc.open_stream(content(client, format="arrow", **query)).read_all()
        found = table.set_column(0, "opened_at", table["opened_at"].cast(pa.int64()))
        rows = [list(row.values()) for row in found.to_pylist()]
        assert [[row[0] // 1000, *row[1:]] for row in rows] == right


def content(client: Client, **query: Any) -> bytes:
    response = client.get(f"{API}/footprint/", query)
    assert response.status_code == 200, response.content
    return response.getvalue()


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"step": "0"}, "step"),
        ({"step": "1000001"}, "step"),
        ({"step": "a"}, "step"),
        ({"step": ""}, "step"),
        ({"timeframe": "2m"}, "timeframe"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"start": "never"}, "start"),
        ({"depth": "5"}, "depth"),
    ],
)
def test_bad_parameters_are_named(
    client: Client, es: Instrument, query: dict[str, str], named: str
) -> None:
    response = client.get(f"{API}/footprint/", query)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert list(response.json()["errors"]) == [named]


def test_instruments_without_trades_have_empty_tables(client: Client, es: Instrument) -> None:
    body = get(client, "footprint")
    assert (body["rows"], body["next_cursor"], body["open_candle"], body["seq"]) == (
        [], None, False, 0,
    )  # fmt: skip
    assert client.get("/api/v1/instruments/XX/footprint/").status_code == 404
