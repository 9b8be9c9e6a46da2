"""GET /instruments/{symbol}/book/changes/: pages, spans, and books made of them."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from exchange.depth import changes
from instruments.models import Instrument
from rig.books import record_book
from rig.histories import make_instrument

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/instruments/ES/book/"


@pytest.fixture
def es() -> Instrument:
    return Instrument.objects.create(
        symbol="ES", name="ES", tick_size=Decimal("0.25"), lot_size=Decimal("0.001"), has_book=True
    )


def read_all(client: Client, **query: Any) -> list[list[Any]]:
    """Return the rows of all pages."""
    rows: list[list[Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(f"{ADDRESS}changes/", {**query, "cursor": cursor}).json()
        rows += answer["rows"]
        cursor = answer["next_cursor"]
    return rows


def expected(updates: Any, start_ms: int = 0, end_ms: int = 2**50) -> list[list[Any]]:
    inside = (updates["at"] >= start_ms * 1000) & (updates["at"] < end_ms * 1000)
    return [
        [at // 1000, "buy" if side > 0 else "sell", ticks / 4, lots / 1000]
        for at, side, ticks, lots in updates[inside][["at", "side", "ticks", "lots"]].tolist()
    ]


@pytest.mark.parametrize("limit", [10_000, 700, 3])
def test_pages_of_any_size_have_every_change_once(
    client: Client, es: Instrument, limit: int
) -> None:
    updates, blocks = record_book(es, 2_000, sizes=(10, 7))
    rows = read_all(client, limit=limit)
    assert [row[1:] for row in rows] == expected(updates)
    assert {row[0] for row in rows} == set(blocks["seq"].tolist())


def test_changes_of_a_span(client: Client, es: Instrument, monkeypatch: pytest.MonkeyPatch) -> None:
    updates, _ = record_book(es, 3_000)
    monkeypatch.setattr(changes, "MOST_BLOCKS", 40)
    start, end = (int(updates["at"][i]) // 1000 for i in (1_100, 2_300))
    rows = read_all(client, start=start, end=end, limit=500)
    assert [row[1:] for row in rows] == expected(updates, start, end)
    assert read_all(client, start=end, end=end) == []


def test_book_of_a_moment_and_later_changes_make_the_book_of_a_later_moment(
    client: Client, es: Instrument
) -> None:
    updates, _ = record_book(es, 2_000)
    first, later = (int(updates["at"][i]) // 1000 for i in (700, 1_900))

    def sides(ms: int) -> dict[str, dict[float, float]]:
        """Return the book at the end of a millisecond."""
        moment = f"2026-01-01T00:00:{(ms - 1_767_225_600_000) / 1000:06.3f}999Z"
        book = client.get(ADDRESS, {"at": moment, "depth": "1000"}).json()
        return {"buy": dict(book["bids"]), "sell": dict(book["asks"])}

    book = sides(first)
    for _, _, side, price, quantity in read_all(client, start=first + 1, end=later + 1):
        book[side][price] = quantity
    kept = {side: {p: q for p, q in levels.items() if q} for side, levels in book.items()}
    assert kept == sides(later)


def test_formats_and_problems(client: Client, es: Instrument) -> None:
    make_instrument("NQ")
    record_book(es, 50)
    text = client.get(f"{ADDRESS}changes/", {"format": "csv", "limit": "10"}).content.decode()
    assert text.startswith("seq,at,side,price,quantity\n1,17672256000")
    nq = client.get("/api/v1/instruments/NQ/book/changes/")
    assert (nq.status_code, nq.json()["detail"]) == (404, "NQ has no order book")
    wrong = client.get(f"{ADDRESS}changes/", {"depth": 5})
    assert wrong.status_code == 400
    assert "'depth' is not a parameter here" in wrong.json()["detail"]
