"""Requests recorded from ccxt 4.5.90: each gets an answer of its own, byte for byte as sent."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from exchange.tests.trading import Exchange
from venues.bybit.rest.answering import Rest
from venues.bybit.tests.clients import Client, body_of

pytestmark = pytest.mark.django_db(transaction=True)
RECORDED = (Path(__file__).parent / "ccxt_requests.txt").read_text().splitlines()
MAYBE_UNKNOWN = ("/v5/order/amend", "/v5/order/cancel")
"""They name order 1, which this exchange may have."""


def allowed(path: str, line: str) -> tuple[int, ...]:
    """Return the codes that may answer a request."""
    if path in MAYBE_UNKNOWN:
        return 0, 110001
    if path == "/v5/position/switch-mode":
        return (110025,)
    return (110003,) if "reduceOnly" in line else (0,)  # it sells at 100


def test_every_recorded_request_is_answered(
    exchange: Exchange, client: Client, settings: Settings
) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0
    client.rest = Rest()
    assert len(RECORDED) > 40
    for line in RECORDED:
        method, target, *body = line.split(" ", 2)
        path, _, query = target.partition("?")
        answer = client.send(method, path, query=query, body="".join(body).encode())
        assert answer.status == 200, line
        assert body_of(answer)["retCode"] in allowed(path, line), (line, answer.body)
