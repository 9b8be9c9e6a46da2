"""Requests recorded from ccxt 4.5.90: each gets an answer of its own."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from exchange.tests.trading import Exchange
from venues.deribit.rest import Rest
from venues.deribit.tests.clients import Client, body_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
RECORDED = (Path(__file__).parent / "ccxt_requests.txt").read_text().split()
UNKNOWN = 10004
"""They name order 1, which this exchange may have."""


def test_every_recorded_request_is_answered(
    exchange: Exchange, client: Client, settings: Settings
) -> None:
    settings.DERIBIT_LIMIT_FACTOR = 0
    client.rest = Rest()
    assert len(RECORDED) > 20
    for line in RECORDED:
        method, _, query = line.partition("?")
        answer = body_of(client.send(method, query))
        code = answer.get("error", {}).get("code", 0)
        assert code in ((0, UNKNOWN, 11044, 11008) if "order_id=1" in query else (0,)), answer
