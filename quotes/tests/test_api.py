import csv
import io
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from quotes.models import Candle, Regime
from rig.histories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db
API = "/api/v1/instruments/"


@pytest.fixture
def market() -> Any:
    instrument = make_instrument()
    return record(make_ticks(instrument, 1_000), regimes=7)


def get(client: Client, path: str, **query: Any) -> Any:
    answer = client.get(API + path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def walk(client: Client, path: str, **query: Any) -> list[Any]:
    rows: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = get(client, path, cursor=cursor, **query)
        assert len(page["rows"]) <= query["limit"]
        rows += page["rows"]
        cursor = page["next_cursor"]
    return rows


def test_instruments_list_history_bounds_in_one_query(
    client: Client, market: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        make_instrument(f"X{number}", "0.00001")
    with django_assert_num_queries(1):
        listed = get(client, "")
    assert len(listed) == 21
    assert listed[0] == {
        "symbol": "ES",
        "name": "ES",
        "tick_size": 0.25,
        "price_precision": 2,
        "currency": "USD",
        "first_at": int(market["at"][0]) // 1000,
        "last_at": int(market["at"][-1]) // 1000,
        "last_seq": 1_000,
        "last_price": market["ticks"][-1] * 0.25,
        "lot_size": 1.0,
        "quantity_precision": 0,
        "has_book": False,
    }
    assert (listed[1]["last_seq"], listed[1]["last_price"]) == (0, None)
    assert get(client, "ES/") == listed[0]


@pytest.mark.parametrize(
    ("path", "most"), [("quotes/", 2), ("candles/?timeframe=1w", 5), ("regimes/", 2)]
)
def test_table_takes_a_fixed_number_of_queries(
    client: Client,
    market: Any,
    path: str,
    most: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(most):
        assert client.get(f"{API}ES/{path}").status_code == 200


@pytest.mark.parametrize("limit", [7, 500, 1_000])
def test_cursor_of_quotes_visits_every_row_once(client: Client, market: Any, limit: int) -> None:
    rows = walk(client, "ES/quotes/", limit=limit)
    assert rows == [[int(t["seq"]), int(t["at"]) // 1000, t["ticks"] * 0.25] for t in market]


@pytest.mark.parametrize("limit", [1, 2, 16, 17, 18])
def test_cursor_of_candles_visits_every_row_once(client: Client, market: Any, limit: int) -> None:
    rows = walk(client, "ES/candles/", limit=limit, start=0)
    assert len(rows) == Candle.objects.filter(timeframe=60).count() + 1
    assert [row[6] for row in rows[1:]] == [row[7] + 1 for row in rows[:-1]]
    assert (rows[0][6], rows[-1][7]) == (1, 1_000)


def test_end_parameter_pages_candles_backwards(client: Client, market: Any) -> None:
    every = get(client, "ES/candles/", start=0)["rows"]
    page = get(client, "ES/candles/", limit=5)
    assert page["open_candle"] is True
    seen = page["rows"]
    while page["rows"]:
        page = get(client, "ES/candles/", limit=5, end=seen[0][0])
        assert page["open_candle"] is False
        seen = page["rows"] + seen
    assert seen == every


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_cursor_of_regimes_visits_every_row_once(client: Client, market: Any, limit: int) -> None:
    rows = walk(client, "ES/regimes/", limit=limit)
    assert len(rows) == Regime.objects.count() == 7
    assert [row[3] for row in rows[1:]] == [row[4] + 1 for row in rows[:-1]]
    assert (rows[-1][2], rows[-1][4]) == (None, None)


def test_regimes_include_all_in_force_within_the_span(client: Client, market: Any) -> None:
    every = get(client, "ES/regimes/")["rows"]
    middle = (every[2][1] + every[2][2]) // 2
    assert get(client, "ES/regimes/", start=middle, end=every[3][1] + 1)["rows"] == every[2:4]
    assert get(client, "ES/regimes/", start=every[3][1], end=every[4][1])["rows"] == every[3:4]


def test_times_are_epoch_ms_or_rfc_3339(client: Client, market: Any) -> None:
    expected = get(client, "ES/quotes/", start=1767251000000, end=1767251010000)["rows"]
    assert len(expected) == 10
    for start, end in [
        ("2026-01-01T07:03:20Z", "2026-01-01T07:03:30Z"),
        ("2026-01-01T08:03:20+01:00", "2026-01-01T07:03:30"),
        ("2026-01-01T08:03:20 01:00", "2026-01-01T07:03:30.000Z"),
    ]:
        assert get(client, "ES/quotes/", start=start, end=end)["rows"] == expected


@pytest.mark.parametrize("table", ["", "ES/", "ES/quotes/", "ES/candles/", "ES/regimes/"])
def test_every_table_is_available_as_csv(client: Client, market: Any, table: str) -> None:
    answer = client.get(API + table, {"format": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    header, *rows = csv.reader(io.StringIO(answer.getvalue().decode()))
    body = get(client, table)
    if isinstance(body, dict) and "rows" in body:
        assert header == body["columns"]
        assert [[float(cell) if cell else None for cell in row] for row in rows] == body["rows"]
    else:
        assert header == list((body[0] if isinstance(body, list) else body).keys())
        assert rows[0][0] == "ES"


def test_csv_prices_keep_decimals_and_link_to_next_page(client: Client) -> None:
    record(make_ticks(make_instrument("EURUSD", "0.00001"), 30))
    answer = client.get(f"{API}EURUSD/quotes/", {"format": "csv", "limit": "1"})
    assert answer.getvalue().decode().splitlines()[1].endswith((",0.20001", ",0.19999"))
    assert 'rel="next"' in answer["Link"]
    following = client.get(answer["Link"].split(">")[0].lstrip("<"))
    assert following.getvalue().decode().splitlines()[1].startswith("2,")


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("NOPE/", 404, "NOPE"),
        ("NOPE/quotes/", 404, "NOPE"),
        ("%00/candles/", 404, "x00"),
        ("ES/quotes/?limit=0", 400, "limit"),
        ("ES/quotes/?limit=10001", 400, "limit"),
        ("ES/quotes/?limit=ten", 400, "limit"),
        ("ES/quotes/?since_seq=-1", 400, "since_seq"),
        ("ES/quotes/?since_seq=99999999999999", 400, "since_seq"),
        ("ES/quotes/?start=yesterday", 400, "start"),
        ("ES/quotes/?end=999999999999999", 400, "end"),
        ("ES/quotes/?start=0001-01-01T00:00:00%2B14:00", 400, "start"),
        ("ES/quotes/?end=9999-12-31T23:59:59-14:00", 400, "end"),
        ("ES/quotes/?start=2000&end=1000", 400, "end"),
        ("ES/quotes/?cursor=abc", 400, "cursor"),
        ("ES/quotes/?cursor=%C3%A9", 400, "cursor"),
        ("ES/regimes/?cursor=cXVvdGVzOjI", 400, "cursor"),
        ("ES/candles/?timeframe=2m", 400, "timeframe"),
        ("ES/candles/?format=xml", 400, "format"),
        ("ES/candles/?limt=5", 400, "limt"),
        ("ES/ticks/", 404, "ticks"),
    ],
)
def test_bad_request_gets_a_problem_that_names_the_parameter(
    client: Client, path: str, status: int, named: str
) -> None:
    make_instrument()
    answer = client.get(API + path)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert named in body["detail"]
    if status == 400:
        assert list(body["errors"]) == [named]


def test_unsupported_method_gets_a_problem(client: Client) -> None:
    answer = client.post(API)
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")


def test_throttled_requests_get_retry_after(client: Client, settings: Settings) -> None:
    settings.API_RATE = "2/day"
    cache.clear()
    assert [client.get(API).status_code for _ in range(3)] == [200, 200, 429]
    answer = client.get(API)
    assert answer["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer["Retry-After"]) <= 86_400
    cache.clear()


def test_schema_validates_without_warnings() -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file="/dev/null")


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_documentation_opens(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
