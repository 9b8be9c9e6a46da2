"""Requests of ccxt: each gets the documented code, and an answer of the same shape as Bybit's.

`make conformance` does the same with ccxt itself and a door in a process of its own.
"""

import pytest
from pytest_django.fixtures import Settings

from exchange.clearing.funding import INTERVAL_US
from exchange.matching import BUY, SELL
from exchange.tests.trading import Exchange
from instruments.models import Instrument
from rig.conformance.bybitfixtures import REQUESTS, SHAPES, compared
from rig.conformance.recordedrequests import requests_of
from rig.conformance.shapes import Difference, Kind
from venues.bybit.rest.answering import Rest
from venues.bybit.tests.clients import MARK, Client, body_of
from venues.bybit.tests.test_documented_fields import DOCUMENTED, LINEAR
from venues.tests.books import rest_book

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
FUNDED = "execType=Funding&symbol=BTCUSDT"
COINS = "GET /v5/asset/coin/query-info"
"""Lists nothing: no coin can be deposited or withdrawn on a chain."""


@pytest.fixture
def book(btc: Instrument) -> None:
    """Record the book that the exchange will have."""
    rest_book(btc, [(BUY, MARK - 1, 50_000), (SELL, MARK + 1, 50_000)])


def undocumented(endpoint: str, found: Difference) -> bool:
    """Return whether an answer has a member that Bybit neither sent nor documents."""
    name = found.at.removeprefix("result.").replace("[]", "")
    path = endpoint.partition(" ")[2]
    return found.kind is Kind.ADDED and name not in DOCUMENTED[path]


def wrong(endpoint: str, found: set[Difference]) -> list[Difference]:
    lacking = (Kind.MISSING, Kind.MISTYPED)
    return [each for each in found if each.kind in lacking or undocumented(endpoint, each)]


@pytest.mark.usefixtures("book")
def test_recorded_requests_get_answers_of_the_same_shape_as_from_bybit(
    exchange: Exchange, client: Client, settings: Settings
) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0
    client.rest = Rest()
    client.create(orderType="Market", qty="0.5")
    exchange.mark("BTCUSDT", MARK, at=exchange.ports["BTCUSDT"].at + INTERVAL_US)
    client.create(price="64000")
    client.post("/v5/order/cancel-all", category="linear", symbol="BTCUSDT")
    asked, filled = 0, set()
    for request in requests_of(REQUESTS):
        sent = client.send(
            request.method, request.path, query=request.query, body=request.body.encode()
        )
        answer = body_of(sent)
        assert answer["retCode"] in request.codes, (request.line, answer)
        asked += 1
        endpoint = f"{request.method} {request.path}"
        if endpoint in SHAPES and answer["retCode"] == 0 and is_linear(request.query):
            found = compared(endpoint, answer)
            assert wrong(endpoint, found) == [], request.line
            if all(each.kind is not Kind.EMPTY for each in found):
                filled.add(endpoint)
        if FUNDED in request.query:
            assert [row["execType"] for row in answer["result"]["list"]] == ["Funding"]
    assert asked > 110
    assert filled == SHAPES.keys() - {COINS, "POST /v5/order/amend"}


def is_linear(query: str) -> bool:
    return "category=" not in query or "category=linear" in query


def test_amended_order_is_acknowledged_as_by_bybit(exchange: Exchange, client: Client) -> None:
    answer = client.post("/v5/order/amend", **LINEAR, orderId=client.create(), qty="0.02")
    assert compared("POST /v5/order/amend", answer) == set()
