"""The cost of public pages depends neither on the history nor on the number of viewers."""

import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from indicators.models import ComputationRun
from indicators.readings import scan_market
from instruments.models import Instrument
from rig.histories import START, make_instrument, make_ticks, record
from web.sharedresults import SharedResult

pytestmark = pytest.mark.django_db
QUERIES = {"/status/": 8, "/laboratory/": 10, "/laboratory/runs/": 1}
LARGE = ("indicators_reading", "indicators_computationrun", "quotes_quote", "quotes_candle")


@pytest.fixture
def market() -> Instrument:
    instrument = make_instrument()
    record(make_ticks(instrument, 4_000, interval_s=6), regimes=3)
    scan_market([instrument], lambda publications: None)
    store_runs(instrument, 3)
    return instrument


def store_runs(instrument: Instrument, count: int) -> None:
    for _ in range(count):
        ComputationRun.objects.create(
            indicator="hurst", instrument=instrument, start=START, end=START, parameters="{}"
        )


def queries_of(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    # psycopg does not tell the text of a statement that it prepared: SQLite looks at that one.
    return [query["sql"] or "SELECT 1" for query in captured.captured_queries]


@pytest.mark.parametrize("path", QUERIES)
def test_page_takes_few_queries_and_none_for_the_next_viewer(
    client: Client, market: Instrument, path: str
) -> None:
    client.get(path)  # what is looked at less often
    SharedResult.forget_all()
    asked = queries_of(client, path)
    assert 0 < len(asked) <= QUERIES[path], "\n".join(asked)
    assert queries_of(Client(), path) == []
    store_runs(market, 20)
    SharedResult.forget_all()
    assert len(queries_of(client, path)) == len(asked)


@pytest.mark.parametrize("path", QUERIES)
def test_no_query_of_a_page_scans_a_large_table(
    client: Client, market: Instrument, path: str
) -> None:
    asked = queries_of(client, path)
    for sql in asked:
        for line in plan(sql):
            assert not is_whole_scan(line), f"{line}\n{sql}"


def plan(sql: str) -> Iterator[str]:
    """Yield the query plans that the database would use for large tables."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            generic = " (GENERIC_PLAN)" if "$1" in sql else ""  # of a cursor that binds there
            cursor.execute(f"EXPLAIN{generic} {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        yield from (str(row[-1]) for row in cursor.fetchall())


def is_whole_scan(line: str) -> bool:
    tables = "|".join(LARGE)
    if connection.vendor == "postgresql":
        return re.search(rf"Seq Scan on ({tables})\b", line) is not None
    # An index in the order of the answer ends with the LIMIT.
    return re.search(rf"^SCAN ({tables})\b(?!.* USING INDEX)", line) is not None
