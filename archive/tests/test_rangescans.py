"""Range scans read exactly the rows of their instrument, span and seq, in bounded chunks."""

import json
from typing import Any

import numpy as np
import pytest
from django.db import connection

from archive.database import fetch_arrays, statement
from archive.rangescans import chunks, scan, until_now
from archive.selections import Span, select
from instruments.models import Instrument
from market.ticks import Ticks
from quotes.kinds import CANDLES, QUOTES
from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db
MINUTE = {"timeframe": 60}


@pytest.fixture
def market() -> tuple[Instrument, Ticks]:
    instrument = make_instrument()
    record(make_ticks(make_instrument("NQ"), 300))
    return instrument, record(make_ticks(instrument, 500))


@pytest.mark.parametrize("newest", [False, True])
@pytest.mark.parametrize("size", [1, 7, 100, 500, 501])
def test_chunks_of_any_size_cover_the_stream_once(market: Any, size: int, newest: bool) -> None:
    instrument, ticks = market
    selection = select(QUOTES, instrument.pk, newest=newest)
    parts = list(chunks(selection, instrument.lattice, size=size))
    assert max(map(len, parts)) <= size
    seq = np.concatenate([part["seq"] for part in (parts[::-1] if newest else parts)])
    assert seq.tolist() == ticks["seq"].tolist()


@pytest.mark.parametrize("since", [0, 3, 120, 400, 500])
@pytest.mark.parametrize(
    ("first", "last"), [(0, 500), (100, 300), (250, 250), (-9, 20), (480, 900)]
)
def test_scan_stays_within_its_span_and_after_its_seq(
    market: Any, since: int, first: int, last: int
) -> None:
    instrument, ticks = market
    begin = int(ticks["at"][0])
    span = Span(begin + first * 1_000_000, begin + last * 1_000_000)
    wanted = (ticks["at"] >= span.start) & (ticks["at"] < span.end) & (ticks["seq"] > since)
    found = scan(QUOTES, instrument, span=span, since=since)
    for name in ("seq", "at", "ticks"):
        assert found[name].tolist() == ticks[wanted][name].tolist()


def test_limit_keeps_the_first_or_the_newest_rows(market: Any) -> None:
    instrument, _ = market
    assert scan(QUOTES, instrument, limit=3)["seq"].tolist() == [1, 2, 3]
    assert scan(QUOTES, instrument, limit=3, newest=True)["seq"].tolist() == [498, 499, 500]
    assert scan(CANDLES, instrument, where=MINUTE, limit=2)["first_seq"].tolist() == [1, 50]


def test_only_requested_fields_are_read(market: Any) -> None:
    instrument, _ = market
    assert list(scan(QUOTES, instrument, fields=("ticks",)).numbers) == ["ticks", "seq"]
    found = scan(CANDLES, instrument, where=MINUTE, fields=("close",))
    assert list(found.numbers) == ["close", "opened_at"]


def test_table_without_seq_rejects_since(market: Any) -> None:
    with pytest.raises(ValueError, match="table candles has no seq"):
        scan(CANDLES, market[0], since=1)


def test_export_excludes_records_written_during_it(market: Any) -> None:
    instrument, ticks = market
    selection = until_now(select(QUOTES, instrument.pk))
    parts = chunks(selection, instrument.lattice, size=200)
    seq = next(parts)["seq"].tolist()
    later = make_ticks(instrument, 700)[500:]
    record(later)
    for part in parts:
        seq += part["seq"].tolist()
    assert seq == ticks["seq"].tolist()
    assert len(scan(QUOTES, instrument)) == 700


def test_export_of_an_empty_stream_is_empty() -> None:
    instrument = make_instrument()
    selection = until_now(select(QUOTES, instrument.pk))
    assert [len(part) for part in chunks(selection, instrument.lattice)] == [0]


def test_floating_point_numbers_are_read_exactly() -> None:
    values = [0.1, 1 / 3, 1e-300, 5e-324, 1.7976931348623157e308, -2.5]
    union = " UNION ALL ".join(f"SELECT {n} AS n, {value!r} AS x" for n, value in enumerate(values))
    types = {"n": np.dtype(np.int64), "x": np.dtype(np.float64)}
    found = fetch_arrays(types, f"SELECT n, CAST(x AS {DOUBLE[connection.vendor]}) AS x "
                                f"FROM ({union}) AS v ORDER BY n", [])  # fmt: skip
    assert found["x"].tolist() == values


DOUBLE = {"sqlite": "REAL", "postgresql": "DOUBLE PRECISION"}


def test_reading_the_end_of_a_long_stream_skips_the_rest(market: Any) -> None:
    """A second lower bound of the key made SQLite scan the stream from its first record."""
    instrument, ticks = market
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    newest = select(QUOTES, instrument.pk, span=Span(int(ticks["at"][-3])))
    sql, parameters = statement(newest, 10)
    assert rows_read(sql, parameters) < 50


def rows_read(sql: str, parameters: list[int]) -> int:
    """Return how many rows the database touches for a SELECT, at most."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
            plan = cursor.fetchone()[0]
        (top,) = json.loads(plan) if isinstance(plan, str) else plan
        return most_rows(top["Plan"])
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    driver = connection.connection
    driver.set_progress_handler(count, 10)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        cursor.fetchall()
    driver.set_progress_handler(None, 0)
    return steps  # of ten virtual instructions; a row costs about as many


def most_rows(plan: dict[str, Any]) -> int:
    below = sum(most_rows(part) for part in plan.get("Plans", ()))
    rows: int = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return below + rows
