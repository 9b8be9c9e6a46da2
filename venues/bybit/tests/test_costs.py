"""How many statements the endpoints of an account take, however many rows they return."""

from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from exchange.tests.trading import Exchange
from venues.bybit.rest.answering import Rest
from venues.bybit.tests.clients import Client

pytestmark = pytest.mark.django_db(transaction=True)
STATEMENTS: Final = {
    "/v5/order/realtime": 3,
    "/v5/order/history": 2,
    "/v5/execution/list": 5,
    "/v5/position/list": 10,
    "/v5/position/closed-pnl": 5,
    "/v5/account/wallet-balance": 9,
    "/v5/account/transaction-log": 3,
    "/v5/account/fee-rate": 0,
    "/v5/user/query-api": 0,
}
CREATE: Final = 5
LINEAR: Final[dict[str, Any]] = {"category": "linear", "symbol": "BTCUSDT"}


def test_statements_do_not_grow_with_the_rows(
    exchange: Exchange, client: Client, settings: Settings
) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0
    client.rest = Rest()
    for _ in range(3):
        client.create()
        client.create(orderType="Market")
        client.create(orderType="Market", side="Sell", qty="0.005")
        query = LINEAR | {"accountType": "UNIFIED", "openOnly": 1}
        for path, most in STATEMENTS.items():
            client.get("/v5/user/query-api")  # the key is fresh
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path, **query)["retCode"] == 0
            assert len(captured) <= most, (path, [each["sql"] for each in captured])
    with CaptureQueriesContext(connection) as captured:
        client.create(orderLinkId="cheap")
    assert len(captured) <= CREATE, [each["sql"] for each in captured]
