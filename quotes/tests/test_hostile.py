"""Hostile requests and files cause neither server errors nor exhausted memory."""

import csv
import gzip
import io
import tracemalloc

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from instruments.models import Instrument
from quotes.files.importing import instrument_for
from quotes.files.tables import TableError, open_table
from quotes.tests.hostile import hostile_requests
from rig.histories import make_instrument, make_ticks, record

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.mark.both_databases
def test_hostile_requests_never_cause_server_errors() -> None:
    record(make_ticks(make_instrument(), 1_000), regimes=3)
    client = Client(raise_request_exception=False)
    for method, address in hostile_requests(1_000):
        answer = client.generic(method, address)
        assert answer.status_code < 500, (method, address)
        assert b"Traceback" not in getattr(answer, "content", b""), (method, address)


@pytest.mark.parametrize(
    "path", ["/api/v1/instruments/", "/api/v1/indicators/runs/", "/udf/config"]
)
def test_oversized_body_is_rejected(path: str) -> None:
    client = Client(raise_request_exception=False)
    answer = client.post(path, b"x" * 3_000_000, content_type="application/json")
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_exports_contain_no_formulas(client: Client, name: str) -> None:
    Instrument.objects.create(symbol="EVIL", name=name, tick_size="0.25", currency="=A1")
    text = client.get("/api/v1/instruments/?format=csv").content.decode()
    _, row = csv.reader(io.StringIO(text, newline=""))
    assert (row[1], row[4]) == (f"'{name}", "'=A1")


@pytest.mark.parametrize("symbol", ["../../etc/passwd", "..", "/ES", "A/B", "A\0", "=A1"])
def test_symbol_cannot_be_a_path(symbol: str) -> None:
    with pytest.raises(ValidationError):
        instrument_for(symbol, make_instrument("OK").tick_size)


def test_endless_compressed_line_is_rejected_in_little_memory() -> None:
    packed = gzip.compress(b"time,price\n" + b"0" * 100_000_000)
    assert len(packed) < 200_000
    tracemalloc.start()
    table = open_table(io.BufferedReader(io.BytesIO(packed)), len(packed))
    with pytest.raises(TableError, match="characters or more"):
        list(table.blocks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
