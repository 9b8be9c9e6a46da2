"""Quotes and candles as Arrow equal those as JSON."""

from typing import Any

import pyarrow as pa
import pytest
from django.test import Client

from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db
API = "/api/v1/instruments/ES/"


@pytest.fixture(autouse=True)
def market() -> None:
    record(make_ticks(make_instrument(), 3_000))


def table(client: Client, path: str, **query: Any) -> Any:
    answer = client.get(API + path, {"format": "arrow", **query})
    assert answer.status_code == 200, answer.getvalue()
    assert answer["Content-Type"] == "application/vnd.apache.arrow.stream"
    return pa.ipc.open_stream(answer.getvalue()).read_all(), answer.get("Link")


def as_json(found: pa.Table) -> list[list[Any]]:
    columns = [
        pa.compute.divide(column.cast(pa.int64()), 1000) if "at" in name else column
        for name, column in zip(found.column_names, found.columns, strict=True)
    ]
    return [list(row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("quotes/", {}),
        ("quotes/", {"limit": 7, "since_seq": 11}),
        ("quotes/", {"since_seq": 9_999}),
        ("candles/", {}),
        ("candles/", {"limit": 1}),
        ("candles/", {"limit": 9, "start": 0}),
        ("candles/", {"start": 0, "timeframe": "1h"}),
        ("candles/", {"end": 0}),
    ],
)
def test_arrow_equals_json(client: Client, path: str, query: dict[str, Any]) -> None:
    found, link = table(client, path, **query)
    page = client.get(API + path, {"limit": 10_000, **query}).json()
    assert found.column_names == page["columns"]
    assert as_json(found) == page["rows"]
    assert (link is None) == (page["next_cursor"] is None)
    assert link is None or page["next_cursor"] in link


def test_arrow_pages_cover_all_candles_once(client: Client) -> None:
    for limit in (1, 10, 49, 50, 51):
        rows: list[Any] = []
        query = {"start": 0, "limit": limit}
        while True:
            found, link = table(client, "candles/", **query)
            rows += as_json(found)
            if link is None:
                break
            query["cursor"] = link.split("cursor=")[1].split(">")[0]
        assert rows == client.get(API + "candles/?start=0").json()["rows"]


def test_other_tables_reject_arrow(client: Client) -> None:
    answer = client.get(API + "regimes/?format=arrow")
    assert (answer.status_code, "json, csv" in answer.json()["detail"]) == (400, True)
