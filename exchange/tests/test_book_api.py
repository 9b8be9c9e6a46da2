"""GET /instruments/{symbol}/book/: formats, moments and problems."""

from decimal import Decimal

import pyarrow as pa
import pytest

from exchange.engine.messages import BUY, SELL
from exchange.tests.reference import naive_book
from instruments.models import Instrument
from market.times import from_microseconds
from rig.books import record_book
from rig.histories import make_instrument

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/instruments/{}/book/"


@pytest.fixture
def es():
    return Instrument.objects.create(
        symbol="ES", name="ES", tick_size=Decimal("0.25"), lot_size=Decimal("0.001"), has_book=True
    )


@pytest.fixture
def get(client):
    return lambda symbol="ES", **query: client.get(ADDRESS.format(symbol), query)


def expected(updates, side, depth, until=None):
    levels = naive_book(updates, until).levels(side, depth)
    return [[ticks / 4, lots / 1000] for ticks, lots in levels]


def test_the_book_of_now(es, get):
    updates, blocks = record_book(es, 2_000)
    answer = get().json()
    assert list(answer) == ["symbol", "seq", "at", "bids", "asks"]
    assert answer["symbol"] == "ES"
    assert (answer["seq"], answer["at"]) == (len(blocks), blocks["at"][-1] // 1000)
    assert answer["bids"] == expected(updates, BUY, 50)
    assert answer["asks"] == expected(updates, SELL, 50)
    assert get(depth=3).json()["asks"] == expected(updates, SELL, 3)
    assert len(get(depth=1000).json()["bids"]) == len(naive_book(updates).levels(BUY))


def test_the_book_of_a_past_moment_in_both_forms_of_time(es, get):
    updates, blocks = record_book(es, 2_000)
    at = int(updates["at"][1_234])
    answer = get(at=from_microseconds(at).isoformat()).json()
    assert answer["asks"] == expected(updates, SELL, 50, at)
    assert (answer["seq"], answer["at"]) == (123, at // 1000)
    whole_ms = at // 1000 * 1000
    assert get(at=whole_ms // 1000).json()["bids"] == expected(updates, BUY, 50, whole_ms)
    late = get(at=int(blocks["at"][-1]) // 1000 + 60_000).json()
    assert late["at"] == blocks["at"][-1] // 1000


def test_csv_and_arrow_are_tables_of_levels(es, get):
    updates, _ = record_book(es, 500)
    bids, asks = expected(updates, BUY, 2), expected(updates, SELL, 2)
    lines = get(depth=2, format="csv").content.decode().splitlines()
    assert lines == [
        "side,price,quantity",
        *(f"buy,{price:.2f},{quantity:.3f}" for price, quantity in bids),
        *(f"sell,{price:.2f},{quantity:.3f}" for price, quantity in asks),
    ]
    table = pa.ipc.open_stream(get(depth=2, format="arrow").content).read_all()
    assert table.to_pydict() == {
        "side": ["buy", "buy", "sell", "sell"],
        "price": [row[0] for row in bids + asks],
        "quantity": [row[1] for row in bids + asks],
    }


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"depth": "0"}, "depth: '0' is not a whole number from 1 to 1000"),
        ({"depth": "1001"}, "depth: '1001' is not a whole number"),
        ({"depth": "ten"}, "depth: 'ten' is not"),
        ({"at": "yesterday"}, "at: 'yesterday' is not a time"),
        ({"format": "xml"}, "format: 'xml' is not one of json, csv, arrow"),
        ({"levels": "5"}, "'levels' is not a parameter here; there are: depth, at, format"),
    ],
)
def test_bad_parameters_are_named(es, get, query, detail):
    answer = get(**query)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert detail in answer.json()["detail"]


def test_what_there_is_no_book_of_is_not_found(es, get):
    make_instrument("NQ")
    recorded_later = get()
    _, blocks = record_book(es, 50)
    first = int(blocks["at"][0])
    for answer, detail in (
        (get("XX"), "there is no instrument 'XX'"),
        (get("NQ"), "NQ has no order book"),
        (recorded_later, "the order book of ES is not recorded yet"),
        (get(at=first // 1000 - 1), "the order book of ES is recorded only from 2026-01-01T00:00:"),
    ):
        assert answer.status_code == 404
        assert detail in answer.json()["detail"]


def test_a_book_takes_two_queries(es, get, django_assert_max_num_queries):
    record_book(es, 2_000)
    with django_assert_max_num_queries(2):
        get(at=1_767_225_605_000)
