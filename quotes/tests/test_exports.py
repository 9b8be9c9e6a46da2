"""Exports as CSV and Arrow stream in blocks, in bounded memory, while the client reads."""

import gc
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from django.test import Client

from archive import rangescans
from archive.columns import Columns
from archive.selections import Selection
from instruments.lattice import Lattice
from quotes.http import tables
from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db
API = "/api/v1/instruments/ES/"
TICKS, CHUNK = 30_000, 1_000


@pytest.fixture(autouse=True)
def market() -> None:
    record(make_ticks(make_instrument(), TICKS))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let exports read CHUNK rows at a time; return the sizes of the chunks that were read."""
    sizes: list[int] = []

    def chunks(selection: Selection, lattice: Lattice) -> Iterator[Columns]:
        for chunk in rangescans.chunks(selection, lattice, size=CHUNK):
            sizes.append(len(chunk))
            yield chunk

    monkeypatch.setattr(tables, "chunks", chunks)
    return sizes


def export(client: Client, path: str, **query: Any) -> Any:
    answer = client.get(API + path, query)
    assert (answer.status_code, answer.streaming) == (200, True)
    assert "Link" not in answer
    return answer


@pytest.mark.parametrize("path", ["quotes/", "candles/"])
def test_complete_csv_and_arrow_exports_have_the_same_rows(client: Client, path: str) -> None:
    lines = export(client, path, format="csv", limit="all").getvalue().decode().splitlines()
    table = pa.ipc.open_stream(export(client, path, format="arrow").getvalue()).read_all()
    pages = client.get(API + path, {"start": "0", "limit": "all"}).json()
    assert lines[0].split(",") == table.column_names == pages["columns"]
    assert len(lines) - 1 == table.num_rows
    rows = [[float(cell) for cell in line.split(",")] for line in lines[1:10_001]]
    assert rows == pages["rows"]
    assert table[2].to_pylist()[:10_000] == [row[2] for row in pages["rows"]]


def test_memory_of_an_export_does_not_depend_on_its_length(
    client: Client, small_chunks: list[int]
) -> None:
    gc.collect()
    pool = pa.default_memory_pool()
    before = pool.bytes_allocated()
    sizes = []
    for block in export(client, "quotes/", format="arrow").streaming_content:
        sizes.append(len(block))
        assert pool.bytes_allocated() - before < 4 * CHUNK * 24
    assert small_chunks == [CHUNK] * (TICKS // CHUNK) + [0]
    assert max(sizes) < 2 * CHUNK * 24


def test_export_reads_only_what_its_client_receives(
    client: Client, small_chunks: list[int]
) -> None:
    answer = export(client, "quotes/", format="arrow")
    assert len(small_chunks) == 1  # with the first, an error has a status of its own
    blocks = iter(answer.streaming_content)
    for _ in range(4):  # the schema and three chunks
        next(blocks)
    answer.close()
    assert next(blocks, None) is None
    assert len(small_chunks) == 3


def test_limited_export_is_a_page_with_length_and_link(client: Client) -> None:
    answer = client.get(API + "quotes/", {"format": "arrow", "limit": "10"})
    assert (answer.streaming, 'rel="next"' in answer["Link"]) == (False, True)


def test_export_of_an_instrument_without_quotes_is_empty(client: Client) -> None:
    make_instrument("NQ")
    for path in ("quotes/", "candles/"):
        answer = client.get(f"/api/v1/instruments/NQ/{path}?format=arrow")
        assert pa.ipc.open_stream(answer.getvalue()).read_all().num_rows == 0
