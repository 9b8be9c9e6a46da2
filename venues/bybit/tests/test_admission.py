"""Signatures, windows, permissions, limits, and requests that make no sense."""

import json
import logging
from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings

from exchange.accounts.opening import open_account
from exchange.models import Account, ApiKey, Command, Order
from exchange.tests.trading import Exchange
from market.quoting import quoted
from venues.bybit.faultdialect import BybitDialect
from venues.bybit.rest.admission import Gate
from venues.bybit.rest.answering import Rest
from venues.bybit.rest.routes import ROUTES
from venues.bybit.tests.clients import CREATE, LIMIT, Client, body_of
from venues.doors import clock
from venues.doors.http import MOST_BYTES, Answer, Request

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
BODY = json.dumps(LIMIT).encode()
LIMITS = {"X-Bapi-Limit", "X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp"}


def code(answer: Answer) -> int:
    assert set(answer.headers) >= LIMITS
    found: int = body_of(answer)["retCode"]
    return found


def stored() -> int:
    return Order.objects.count() + Command.objects.count()


FORGED = [
    ({"x-bapi-api-key": ""}, 10003),
    ({"x-bapi-api-key": "unknown"}, 10003),
    ({"x-bapi-api-key": "k" * 1_000}, 10003),
    ({"x-bapi-api-key": "\0"}, 10003),
    ({"x-bapi-sign": ""}, 10004),
    ({"x-bapi-sign": "0" * 64}, 10004),
    ({"x-bapi-sign": "ü"}, 10004),
    ({"x-bapi-timestamp": ""}, 10001),
    ({"x-bapi-timestamp": "now"}, 10001),
    ({"x-bapi-timestamp": "1"}, 10002),
    ({"x-bapi-recv-window": "0"}, 10001),
    ({"x-bapi-recv-window": "600000"}, 10001),
    ({"x-bapi-recv-window": "4999"}, 10004),
]


def test_unproved_requests_are_refused_and_store_nothing(
    exchange: Exchange, client: Client
) -> None:
    request = client.signed("POST", CREATE, body=BODY)
    for changes, expected in FORGED:
        forged = replace(request, headers={**request.headers, **changes})
        assert code(client.rest(forged)) == expected, changes
    assert stored() == 0


def test_signature_covers_body_query_and_age(exchange: Exchange, client: Client) -> None:
    request = client.signed("POST", CREATE, body=BODY)
    assert code(client.rest(replace(request, body=BODY + b" "))) == 10004
    assert code(client.rest(client.signed("POST", CREATE, body=BODY, age_ms=5_100))) == 10002
    assert code(client.rest(client.signed("POST", CREATE, body=BODY, age_ms=-1_100))) == 10002
    listing = client.signed("GET", "/v5/order/realtime", query="symbol=BTCUSDT&category=linear")
    assert code(client.rest(listing)) == 0
    assert code(client.rest(replace(listing, query=b"category=linear&symbol=BTCUSDT"))) == 10004
    assert stored() == 0


def test_request_is_accepted_once(exchange: Exchange, client: Client) -> None:
    order = client.signed("POST", CREATE, body=BODY)
    assert code(client.rest(order)) == 0
    assert code(client.rest(order)) == 10014
    assert code(client.rest(replace(order, path="/v5/order/cancel"))) == 10001
    named = {key: value for key, value in LIMIT.items() if key != "category"}
    body = json.dumps({"category": "linear", "request": [{}, named, named]}).encode()
    batch = client.signed("POST", "/v5/order/create-batch", body=body)
    before = stored()
    assert code(client.rest(batch)) == 0
    assert stored() == before + 4
    assert code(client.rest(batch)) == 10014
    assert stored() == before + 4


def test_key_that_may_only_read_cannot_trade(exchange: Exchange, client: Client) -> None:
    reader = Client(client.account, can_trade=False)
    assert reader.get("/v5/order/realtime", category="linear", symbol="BTCUSDT")["retCode"] == 0
    assert reader.get("/v5/user/query-api")["result"]["readOnly"] == 1
    for method, path in ROUTES:
        if method == "POST":
            assert reader.post(path, **LIMIT)["retCode"] in (10005, 10006), path
    assert stored() == 0


def test_account_sees_its_own_orders_only(exchange: Exchange, client: Client) -> None:
    order = client.create()
    other = Client(open_account(name="other", balance=10**12))
    named = {"category": "linear", "symbol": "BTCUSDT", "orderId": order}
    assert other.get("/v5/order/realtime", **named)["result"]["list"] == []
    assert other.post("/v5/order/cancel", **named)["retCode"] == 110001


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v5/spot-lever-token/info"),
        ("POST", "/v5/market/time"),
        ("GET", "/v5/order/create"),
        ("DELETE", "/v5/order/realtime"),
        ("GET", "/"),
        ("GET", "/v5/" + "x" * 5_000),
        ("GET", "/v5/\n\0"),
    ],
)
def test_unknown_paths_name_themselves(method: str, path: str) -> None:
    answer = Rest()(Request(method=method, path=path))
    assert (answer.status, code(answer)) == (404, 10017)
    shown = f"{method} {quoted(path)[1:-1]}"
    assert shown in body_of(answer)["retMsg"]


MALFORMED = [
    b"{", b"[]", b"null", b'"x"', b"\xff", b'{"a": NaN}', b'{"a": 1, "a": 2}',
    b"[" * 5_000, b'{"category": "linear", "qty": ' + b"9" * 5_000 + b"}",
    b'{"category": "linear", "symbol": {"a": 1}}', b'{"category": ["linear"]}',
    b'{"category": "linear", "symbol": "BTCUSDT", "side": true}',
    b'{"category": "linear", "request": []}', b'{"category": "linear", "request": [1]}',
    b'{"category": "linear", "symbol": "BTCUSDT", "qty": 1e999999999, "side": "Buy", '
    b'"orderType": "Market"}',
]  # fmt: skip


def test_malformed_bodies_are_parameter_errors(
    exchange: Exchange, client: Client, settings: Settings
) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0
    client.rest = Rest()
    for body in MALFORMED:
        for path in (CREATE, "/v5/order/create-batch"):
            answer = client.send("POST", path, body=body)
            assert (answer.status, code(answer)) == (200, 10001), (path, body)
    assert stored() == 0


def test_oversized_bodies_are_refused(client: Client) -> None:
    request = client.signed("POST", CREATE, body=b" " * (MOST_BYTES + 1))
    answer = client.rest(replace(request, body=None))
    assert (answer.status, code(answer)) == (413, 10001)


def test_requests_beyond_a_limit_are_told_when_to_go_on(client: Client) -> None:
    client.rest = Rest(Gate(lambda: 100.0))
    body = {"category": "linear", "symbol": "BTCUSDT", "orderId": "1"}
    answers = [
        client.send("POST", "/v5/order/cancel", body=json.dumps(body).encode()) for _ in range(11)
    ]
    assert [code(answer) for answer in answers] == [110001] * 10 + [10006]
    assert [answer.headers["X-Bapi-Limit-Status"] for answer in answers[-3:]] == ["1", "0", "0"]
    assert answers[-1].headers["X-Bapi-Limit"] == "10"
    assert answers[-1].headers["X-Bapi-Limit-Reset-Timestamp"] == "101000"
    assert client.get("/v5/user/query-api")["retCode"] == 0


def test_door_whose_clock_is_wrong_states_its_limits_by_that_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "_skew_ns", -4_000_000_000)
    asked_at = clock.now_s()
    counted = Gate().by_address("10.0.0.1").reset_ms / 1_000
    injected = BybitDialect().too_many_requests()
    told = int(dict(injected.headers)[b"X-Bapi-Limit-Reset-Timestamp"]) / 1_000
    answered_at = clock.now_s()
    millisecond = 0.001
    assert asked_at - millisecond <= counted <= answered_at
    assert asked_at - millisecond <= told - 1 <= answered_at


def test_too_many_requests_of_an_address_are_403(settings: Settings) -> None:
    settings.BYBIT_LIMIT_FACTOR = 0.005  # 3 in 5 s
    rest = Rest()
    request = Request(method="GET", path="/v5/market/time", address="10.0.0.1")
    answers = [rest(request) for _ in range(7)]
    assert [answer.status for answer in answers[-1:]] == [403]
    assert code(answers[-1]) == 10018
    assert rest(replace(request, address="10.0.0.2")).status == 200


def test_reads_need_a_key_where_reads_are_not_public(client: Client, settings: Settings) -> None:
    settings.READS_PUBLIC = False
    tickers = Request(method="GET", path="/v5/market/tickers", query=b"category=linear")
    assert code(client.rest(tickers)) == 10003
    assert client.get("/v5/market/tickers", category="linear")["retCode"] == 0
    assert code(client.rest(Request(method="GET", path="/v5/market/time"))) == 0


def test_no_failure_escapes_and_no_secret_is_logged(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    Account.objects.update(fees="unknown")  # as after a defective migration
    with caplog.at_level(logging.DEBUG):
        request = client.signed("GET", "/v5/account/fee-rate", query="category=linear")
        answer = client.rest(request)
    assert (answer.status, code(answer)) == (200, 10016)
    assert "KeyError" in caplog.text
    assert "unknown" not in answer.body.decode()
    sealed = ApiKey.objects.get(key=client.key)
    for secret in (client.secret, request.headers["x-bapi-sign"], str(sealed.sealed_secret)):
        assert secret not in caplog.text
