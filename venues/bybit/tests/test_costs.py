"""How many statements about an account its endpoints take, however many rows they return.

What a door reads once a second for all requests (keys, instruments, the state of books) does not
count.
"""

from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from exchange.tests.trading import Exchange
from venues.bybit.rest.answering import Rest
from venues.bybit.tests.clients import Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
STATEMENTS: Final = {
    "/v5/order/realtime": 5,
    "/v5/order/history": 4,
    "/v5/execution/list": 5,
    "/v5/position/list": 7,
    "/v5/position/closed-pnl": 5,
    "/v5/account/wallet-balance": 6,
    "/v5/account/transaction-log": 3,
    "/v5/account/fee-rate": 0,
    "/v5/user/query-api": 0,
}
CREATE: Final = 3
CACHED: Final = ("exchange_apikey", "exchange_bookblock")
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
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path, **query)["retCode"] == 0
            assert len(own(captured)) <= most, (path, own(captured))
    with CaptureQueriesContext(connection) as captured:
        client.create(orderLinkId="cheap")
    assert len(own(captured)) <= CREATE, own(captured)


def own(captured: CaptureQueriesContext) -> list[str]:
    """Return the statements about the account."""
    texts = [each["sql"] or "" for each in captured]  # psycopg keeps no text of prepared ones
    return [text for text in texts if "exchange_" in text and not any(c in text for c in CACHED)]
