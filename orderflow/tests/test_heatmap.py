"""Heat map and depth show the book as it was."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.test import Client

from exchange.tests.recordedmarkets import RecordedMarket
from market.times import from_microseconds

API = "/api/v1/instruments/ES"
TICK = 0.25


@pytest.fixture
def market(db: None) -> RecordedMarket:
    market = RecordedMarket()
    for slots in (300, 40, 5):
        market.record(slots)
    return market


def get(client: Client, path: str, **query: Any) -> dict[str, Any]:
    response = client.get(f"{API}/{path}/", query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def rows_of(levels: list[list[float]], step: int) -> dict[int, float]:
    """Return the total of each row."""
    found: dict[int, float] = {}
    for price, quantity in levels:
        row = int(price / TICK) // step
        found[row] = found.get(row, 0) + quantity
    return found


@pytest.mark.parametrize("step", [1, 3])
def test_every_column_is_the_book_of_its_moment(
    client: Client, market: RecordedMarket, step: int
) -> None:
    end = market.market.at // 1000
    body = get(client, "heatmap", start=end - 400_000, end=end, columns=40, depth=12, step=step)
    assert (body["step"], body["row_size"]) == (step, step * TICK)
    assert len(body["columns"]) == 40
    unknown = [at for at, _, cells in body["columns"] if not cells]
    assert unknown == [at for at, _, _ in body["columns"][: len(unknown)]]
    assert 0 < len(unknown) < 20  # recording began later
    for at, first_row, cells in body["columns"][len(unknown) :: 4]:
        book = get(client, "book", at=at, depth=1_000)
        middle = int((book["bids"][0][0] + book["asks"][0][0]) / TICK) // 2 // step
        assert (first_row, len(cells)) == (middle - 12, 25)
        bids, asks = rows_of(book["bids"], step), rows_of(book["asks"], step)
        for j, cell in enumerate(cells):
            bid, ask = bids.get(first_row + j, 0), asks.get(first_row + j, 0)
            assert cell == (-(bid + ask) if ask > bid else bid + ask)


def test_percentages_and_automatic_steps(client: Client, market: RecordedMarket) -> None:
    end = market.market.at // 1000
    body = get(client, "heatmap", start=end - 100_000, end=end, columns=10, percent=0.05)
    assert body["step"] == 1
    for _, first_row, cells in body["columns"]:
        assert 0 < len(cells) <= 2 * 0.0005 * 20_500 + 2
        assert first_row * body["row_size"] > 0.99 * 20_000 * TICK
    later = get(client, "heatmap", start=end + 10**6, columns=3)  # nothing is recorded there yet
    assert len({tuple(cells) for _, _, cells in later["columns"]}) == 1
    assert get(client, "heatmap")["end"] >= end - 1_000


def test_other_formats_list_the_cells_that_are_not_empty(
    client: Client, market: RecordedMarket
) -> None:
    end = market.market.at // 1000
    query: dict[str, str | int] = {"start": end - 20_000, "end": end, "columns": 5, "depth": 9}
    body = get(client, "heatmap", **query)
    content = client.get(f"{API}/heatmap/", {**query, "format": "arrow"}).content
    table = pa.ipc.open_stream(content).read_all().to_pylist()
    right = [
        (at, (first_row + j) * body["row_size"], abs(cell))
        for at, first_row, cells in body["columns"]
        for j, cell in enumerate(cells)
        if cell
    ]
    assert right == [
        (row["at"].timestamp() * 1000, row["price"], row["bid_quantity"] + row["ask_quantity"])
        for row in table
    ]
    lines = client.get(f"{API}/heatmap/", {**query, "format": "csv"}).content.decode().splitlines()
    assert lines[0] == "at,price,bid_quantity,ask_quantity"
    assert len(lines) == len(table) + 1


@pytest.mark.parametrize("step", [1, 4])
def test_depth_is_the_book_near_its_price(
    client: Client, market: RecordedMarket, step: int
) -> None:
    at = market.market.at // 1000 - 7_000
    book = get(client, "book", at=at, depth=1_000)
    body = get(client, "depth", at=at, percent=0.04, step=step)
    assert (body["at"], body["seq"], body["step"]) == (book["at"], book["seq"], step)
    price = (book["bids"][0][0] + book["asks"][0][0]) / 2
    assert body["price"] == price
    for side in ("bids", "asks"):
        near = [level for level in book[side] if abs(level[0] - price) <= price * 0.0004]
        assert 2 < len(near) < len(book[side])
        right = [[row * step * TICK, size] for row, size in rows_of(near, step).items()]
        assert body[side] == right


def test_depth_follows_the_zoom_with_an_automatic_step(
    client: Client, market: RecordedMarket
) -> None:
    assert get(client, "depth", percent=0.1)["step"] == 1
    whole = get(client, "depth", percent=50)
    assert whole["step"] == 2
    assert 50 < max(len(whole["bids"]), len(whole["asks"])) <= 100
    arrow = client.get(f"{API}/depth/", {"format": "arrow"}).content
    assert pa.ipc.open_stream(arrow).read_all().column_names == ["side", "price", "quantity"]


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        ("heatmap", {"columns": 0}, "columns"),
        ("heatmap", {"depth": 501}, "depth"),
        ("heatmap", {"percent": "nan"}, "percent"),
        ("heatmap", {"start": 5, "end": 5}, "end"),
        ("heatmap", {"limit": 5}, "limit"),
        ("depth", {"percent": 51}, "percent"),
        ("depth", {"percent": "1e-9"}, "percent"),
        ("depth", {"step": -1}, "step"),
    ],
)
def test_bad_parameters_are_named(
    client: Client, market: RecordedMarket, path: str, query: dict[str, Any], named: str
) -> None:
    response = client.get(f"{API}/{path}/", query)
    assert response.status_code == 400
    assert list(response.json()["errors"]) == [named]


def test_books_that_are_not_recorded(client: Client, market: RecordedMarket) -> None:
    before = from_microseconds(market.market.at).replace(year=2001).isoformat()
    body = get(client, "heatmap", start=before, end=before.replace("2001-", "2002-"), columns=2)
    assert [cells for _, _, cells in body["columns"]] == [[], []]
    market.instrument.pk, market.instrument.symbol = None, "NQ"
    market.instrument.save()
    assert client.get("/api/v1/instruments/NQ/depth/").status_code == 404
    assert client.get("/api/v1/instruments/NQ/heatmap/").json()["columns"][0][2] == []
    assert np.isfinite(body["row_size"])
