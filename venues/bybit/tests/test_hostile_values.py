"""Random values in every parameter of every endpoint: always an answer, never a failure."""

import json
import random
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from pytest_django.fixtures import Settings

from exchange.tests.trading import Exchange
from venues.bybit.errors import RetCode
from venues.bybit.rest.answering import Rest
from venues.bybit.rest.routes import ROUTES
from venues.bybit.tests.clients import LIMIT, Client, body_of

pytestmark = pytest.mark.django_db(transaction=True)
REQUESTS: Final = 1_200
LONG_REQUESTS: Final = 20_000
VALID: Final[dict[str, Any]] = {
    **LIMIT,
    "accountType": "UNIFIED",
    "buyLeverage": "5",
    "interval": "1",
    "intervalTime": "1h",
    "mode": 0,
    "sellLeverage": "5",
    "setMarginMode": "REGULAR_MARGIN",
    "settleCoin": "USDT",
    "timeWindow": 10,
    "tradeMode": 0,
}
FIELDS: Final = (
    *VALID, "baseCoin", "coin", "currency", "cursor", "end", "endTime", "execType", "limit",
    "openOnly", "orderFilter", "orderId", "orderLinkId", "orderStatus", "positionIdx", "reduceOnly",
    "request", "slippageTolerance", "slippageToleranceType", "smpType", "start", "startTime",
    "status", "stopLoss", "takeProfit", "timeInForce", "tpslMode", "triggerBy", "triggerDirection",
    "triggerPrice", "type",
)  # fmt: skip
TEXTS: Final = (
    "", "0", "1", "2", "-1", "0.5", "1e400", "1e999999999", "-0", "NaN", "Infinity", "9" * 19,
    "9" * 60, "x", "é", "\0", "\ud800", "1_0", " 1", "true", "None", "linear", "spot", "option",
    "Market", "PostOnly", "ETHUSDT", "' OR 1=1 --", "%00", "253402300800000", "99999999999999",
)  # fmt: skip
VALUES: Final[tuple[object, ...]] = (
    *TEXTS, None, True, 0, -1, 1.5, 10**30, [], {}, [1], [{}], [dict(LIMIT)], {"a": 1},
)  # fmt: skip


def test_no_value_makes_a_request_fail(
    exchange: Exchange,
    client: Client,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0
    client.rest = Rest()
    chance = random.Random(1)
    count = LONG_REQUESTS if request.config.getoption("--long") else REQUESTS
    for _ in range(count):
        method, path = chance.choice(list(ROUTES))
        given = {name: VALID[name] for name in VALID if chance.random() < 0.9}
        values = TEXTS if method == "GET" else VALUES
        given |= {chance.choice(FIELDS): chance.choice(values) for _ in range(chance.randrange(4))}
        if method == "GET":
            query = urlencode(given, errors="surrogatepass")
            answer = client.send(method, path, query=query)
        else:
            answer = client.send(method, path, body=json.dumps(given).encode())
        assert answer.status == 200, (path, given)
        assert body_of(answer)["retCode"] != RetCode.SERVER, (path, given, answer.body)
    assert "request failed" not in caplog.text
