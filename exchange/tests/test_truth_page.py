"""The truth as a page and over REST: what they show, and that it is computed once."""

import threading

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from exchange.tests.recordedmarkets import RecordedMarket
from exchange.truth import board as truthboard
from exchange.truth.board import newest_report
from market.times import from_microseconds
from web.clients import client_of_request
from web.concurrency import LOOK_S, Busy, ConcurrencyLimit

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
API = "/api/v1/instruments/ES/truth/"
PAGE = "/exchange/truth/"


@pytest.fixture
def market():
    market = RecordedMarket()
    market.made = market.record(900)
    return market


def body(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_api_gives_estimates_and_exact_values(client, market):
    answer = client.get(API).json()
    assert (answer["first_slot"], answer["last_slot"]) == (2, 900)
    ends = market.made.quotes["at"][[0, -1]] // 1000
    assert [answer["start"], answer["end"]] == ends.tolist()
    assert answer["market_orders"] > 1_500
    assert (answer["books"], answer["account_trades"]) == (256, 0)
    assert set(answer["naive"]) == {"slots", "claimed", "reached"}
    rows = [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]
    assert rows[0] == {
        "group": "price",
        "quantity": "last trade at the law's price",
        "estimate": 1.0,
        "exact": 1.0,
        "standard_error": 0.0,
        "agrees": True,
    }
    assert len(rows) > 30
    persistence = rows[1]
    assert abs(persistence["estimate"] - persistence["exact"]) < 4 * persistence["standard_error"]
    assert sum(not row["agrees"] for row in rows) == 0


def test_the_api_compares_a_span_and_writes_csv(client, market):
    at = market.made.quotes["at"]
    span = {"start": at[99] // 1000, "end": at[599] // 1000}
    answer = client.get(API, span).json()
    assert (answer["first_slot"], answer["last_slot"]) == (100, 599)
    lines = client.get(API, span | {"format": "csv"}).content.decode().splitlines()
    assert lines[0] == "group,quantity,estimate,exact,standard_error,agrees"
    assert len(lines) == len(answer["rows"]) + 1


def test_the_api_says_what_is_missing(client, market):
    assert client.get("/api/v1/instruments/NOPE/truth/").status_code == 404
    answer = client.get(API, {"end": "2001-01-01T00:00:00Z"})
    assert answer.status_code == 404
    assert answer.json()["detail"] == (
        "ES has 0 slots with a recorded book here: a comparison with the truth needs 300"
    )
    assert client.get(API, {"slots": "5"}).status_code == 400


def test_the_page_shows_each_group_with_its_rows(client, market):
    page = body(client, f"{PAGE}?symbol=ES")
    for name in ("price", "signature", "signs", "response", "costs", "spread", "depth"):
        assert f'id="group-{name}"' in page
    assert page.count('data-agrees="yes"') > 30
    assert "estimates agree" in page
    until = from_microseconds(int(market.made.quotes["at"][-1]))
    assert "899 slots up to" in page
    assert f"{until:%H:%M:%S} UTC" in page
    assert page.count('class="truth-plot"') >= 4


def test_the_page_says_why_there_is_no_report(client):
    assert "manage.py seedinstruments" in body(client, PAGE)
    RecordedMarket().record(200)
    page = body(client, PAGE)
    assert "a comparison with the truth needs 300" in page
    assert 'data-refresh-s="5"' in page


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("symbol=NQ", "There is no instrument NQ with an order book."),
        ("slots=7", "There is no report of 7 slots: use 3600, 21600, 86400."),
    ],
)
def test_the_page_of_an_unknown_report_is_not_found(client, market, query, reason):
    assert reason in body(client, f"{PAGE}?{query}", 404)


def test_the_laboratory_leads_to_the_page_and_back(client, market):
    assert f'href="{PAGE}"' in body(client, "/laboratory/")
    assert 'href="/laboratory/"' in body(client, PAGE)


def test_all_visitors_cost_one_computation(client, market):
    body(client, PAGE)
    reads = ("exchange_trade", "exchange_bookblock", "quotes_quote")
    with CaptureQueriesContext(connection) as captured:
        for _ in range(3):
            body(Client(), PAGE)
        client.get(API)
    assert not [query for query in captured if any(name in query["sql"] for name in reads)]


def test_what_failed_is_tried_again(market, monkeypatch):
    full = ConcurrencyLimit(running=1, waiting=0)
    monkeypatch.setattr(truthboard, "slots", full)
    with full.taken():
        with pytest.raises(Busy):
            newest_report(market.instrument)
        assert "follows shortly" in body(Client(), PAGE)
    assert newest_report(market.instrument).stretch.slots == 899


def visit(instrument, found, gone=None):
    with client_of_request(gone or threading.Event()):
        found.append(newest_report(instrument))
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_visitors_at_the_same_time_share_one_computation(market):
    found = []
    threads = [threading.Thread(target=visit, args=(market.instrument, found)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 8
    assert len({id(report) for report in found}) == 1


@pytest.mark.django_db(transaction=True)
def test_a_report_is_made_for_others_if_its_client_disconnects(market):
    gone, found = threading.Event(), []
    gone.set()
    thread = threading.Thread(target=visit, args=(market.instrument, found, gone))
    with truthboard.slots.taken():
        thread.start()
        thread.join(3 * LOOK_S)
    thread.join(60)
    assert found[0].stretch.slots == 899
