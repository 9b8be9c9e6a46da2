"""Who may use the trading API: API keys, signatures, tokens, sessions, and how they fail."""

import base64
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.authtoken.models import Token

from exchange.accounts import traders
from exchange.accounts.knownkeys import FRESH_S, KnownKeys
from exchange.accounts.opening import create_key, open_account, revoke
from exchange.http import limits
from exchange.http.buckets import Buckets
from exchange.models import Account, ApiKey, Command
from exchange.tests.clients import LIMIT, ORDERS, Program, basic, dumped, funded, listed, signed
from exchange.tests.trading import open_exchange

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
ACCOUNT = "/api/v1/account/"


def test_key_and_secret_tell_the_account(client: Client) -> None:
    program = Program(funded())
    answer = program.get(ACCOUNT)
    assert answer.json() == {
        "account": "a",
        "via": "secret",
        "permissions": ["read", "trade"],
        "fees": "lab",
        "is_practice": False,
        "balance": 100_000,
    }
    program.key.refresh_from_db()
    assert program.key.last_used_at is not None


def test_use_of_a_key_is_noted_once_a_minute(django_assert_num_queries: Any) -> None:
    program = Program(funded())
    program.get(ACCOUNT)
    with django_assert_num_queries(1):
        program.get(ACCOUNT)


@pytest.mark.parametrize("query", [{}, {"limit": 3}, {"client_id": "a%20b"}])
def test_signature_covers_method_path_query_and_body(query: dict[str, Any]) -> None:
    program = Program(funded(), signs=True)
    assert program.get(ORDERS, **query).status_code == 200
    listed("ES")
    assert program.post(ORDERS, LIMIT).status_code == 503


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("GET", f"{ORDERS}?limit=2", b""), ("GET", ACCOUNT, b""), ("POST", ORDERS, b"{}")],
)
def test_signature_of_another_request_is_refused(method: str, target: str, body: bytes) -> None:
    program = Program(funded())
    headers = signed(program.key, program.secret, "GET", ORDERS, b"")
    answer = Client().generic(method, target, body, "application/json", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (401, traders.REFUSED)


@pytest.mark.parametrize(
    ("age_ms", "detail"), [(6_000, "ms old: at most 5000"), (-6_000, "ms in the future: at most")]
)
def test_signatures_outside_the_window_are_refused(age_ms: int, detail: str) -> None:
    program = Program(funded())
    headers = signed(program.key, program.secret, "GET", ORDERS, b"", age_ms=age_ms)
    answer = Client().get(ORDERS, headers=headers)
    assert answer.status_code == 401
    assert detail in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_signature_of_a_write_is_accepted_once() -> None:
    es = listed("ES")
    program = Program(funded())
    content = dumped(LIMIT)
    headers = signed(program.key, program.secret, "POST", ORDERS, content)

    def send(client_id: str = "") -> Any:
        key = {"Idempotency-Key": client_id} if client_id else {}
        return Client().post(ORDERS, content, "application/json", headers={**headers, **key})

    with open_exchange(es) as exchange, exchange.running():
        assert send().status_code == 201
        for answer in (send(), send("x")):
            assert answer.status_code == 401
            assert "signature was used before" in answer.json()["detail"]
        assert Command.objects.count() == 1
        headers = signed(program.key, program.secret, "POST", ORDERS, content)
        assert send("x").status_code == 201
        assert send("x").status_code == 401


def test_wrong_proofs_have_one_answer() -> None:
    """Nothing tells whether a key exists, was revoked, or which part of a proof is wrong."""
    good, revoked = Program(funded()), Program(funded("b"))
    revoke(revoked.key)
    proofs = [
        basic("nobody", "x"),
        basic(good.key, "x"),
        basic(good.key, ""),
        basic(good.key.key.upper(), good.secret),
        basic(revoked.key, revoked.secret),
        basic("a\0b", "x"),
        signed(revoked.key, revoked.secret, "GET", ACCOUNT, b""),
        signed(good.key, "another secret", "GET", ACCOUNT, b""),
        signed(good.key, good.secret, "GET", ACCOUNT, b"") | {"X-API-Key": "nobody"},
        signed(good.key, good.secret, "GET", ACCOUNT, b"") | {"X-API-Signature": "\xff"},
    ]
    for proof in proofs:
        answer = Client().get(ACCOUNT, headers=proof)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"] == traders.REFUSED
        assert Client().get(ACCOUNT, headers=proof).content == answer.content


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic !!"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"X-API-Key": "x"},
        {"X-API-Key": "x", "X-API-Timestamp": "now", "X-API-Signature": "x"},
        {"X-API-Key": "x", "X-API-Timestamp": "1" * 40, "X-API-Signature": "x"},
    ],
)
def test_malformed_proofs_are_explained(headers: dict[str, str]) -> None:
    answer = Client().get(ACCOUNT, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["detail"] != traders.REFUSED


def test_key_without_permission_to_trade_may_only_read() -> None:
    listed("ES")
    program = Program(funded(), can_trade=False)
    assert program.get(ACCOUNT).json()["permissions"] == ["read"]
    answer = program.post(ORDERS, LIMIT)
    assert (answer.status_code, answer.json()["detail"]) == (403, "this API key may only read")


def user_with_token(name: str = "u") -> tuple[User, Client]:
    user = User.objects.create_user(name)
    token = Token.objects.create(user=user)
    return user, Client(headers={"authorization": f"Token {token.key}"})


def test_token_stands_for_the_account_of_its_user() -> None:
    user, client = user_with_token()
    assert client.get(ACCOUNT).status_code == 403
    assert "you have no account" in client.get(ACCOUNT).json()["detail"]
    open_account(name="mine", balance=0, owner=user)
    open_account(name="others", balance=0)
    assert client.get(ACCOUNT).json()["account"] == "mine"
    assert client.get(ACCOUNT).json()["via"] == "token"
    open_account(name="second", balance=0, owner=user)
    answer = client.get(ACCOUNT)
    assert (answer.status_code, answer.json()["detail"]) == (
        403, "you own several accounts: name one in X-Account: mine, second",
    )  # fmt: skip
    assert client.get(ACCOUNT, headers={"X-Account": "second"}).json()["account"] == "second"
    for name in ("others", "nobody"):
        answer = client.get(ACCOUNT, headers={"X-Account": name})
        assert answer.json()["detail"] == f"account {name!r} does not exist or is not yours"
    user.is_active = False
    user.save()
    assert client.get(ACCOUNT).status_code == 401


def test_session_writes_need_a_csrf_token() -> None:
    listed("ES")
    client = Client(enforce_csrf_checks=True)
    user = User.objects.create_user("u")
    open_account(name="mine", balance=0, owner=user)
    client.force_login(user)
    assert client.get(ACCOUNT).json()["via"] == "session"
    assert client.post(ORDERS, LIMIT, content_type="application/json").status_code == 403
    client.get("/api/v1/practice/")
    token = {"X-CSRFToken": client.cookies["csrftoken"].value}
    answer = client.post(ORDERS, LIMIT, content_type="application/json", headers=token)
    assert answer.status_code == 503


def visitor() -> tuple[Client, dict[str, str]]:
    client = Client(enforce_csrf_checks=True)
    client.get("/api/v1/practice/")
    return client, {"X-CSRFToken": client.cookies["csrftoken"].value}


@pytest.fixture
def practice(settings: Settings) -> None:
    settings.PRACTICE_ACCOUNTS = True
    settings.PRACTICE_RATE = "2/minute"
    cache.clear()


def test_visitors_open_one_practice_account_per_session(practice: None) -> None:
    client, token = visitor()
    assert client.get(ACCOUNT).status_code == 401
    assert client.post("/api/v1/practice/", content_type="application/json").status_code == 403
    opened = client.post("/api/v1/practice/", content_type="application/json", headers=token)
    assert opened.status_code == 201
    assert opened.json() | {"balance": 10_000, "is_practice": True} == opened.json()
    again = client.post("/api/v1/practice/", content_type="application/json", headers=token)
    assert (again.status_code, again.json()) == (200, opened.json())
    assert client.get(ACCOUNT).json() == opened.json()
    assert Account.objects.get().ledger.get().amount == Account.objects.get().balance
    other, token = visitor()
    assert other.get(ACCOUNT).status_code == 401


def test_practice_accounts_are_limited_per_address_and_can_be_off(
    practice: None, settings: Settings
) -> None:
    statuses = []
    for _ in range(3):
        client, token = visitor()
        statuses.append(
            client.post(
                "/api/v1/practice/", content_type="application/json", headers=token
            ).status_code
        )
    assert statuses == [201, 201, 429]
    settings.PRACTICE_ACCOUNTS, settings.PRACTICE_RATE = False, ""
    client, token = visitor()
    answer = client.post("/api/v1/practice/", content_type="application/json", headers=token)
    assert (answer.status_code, answer.json()["detail"]) == (
        403, "practice accounts are switched off on this site",
    )  # fmt: skip


def test_keys_read_while_reads_are_not_public(settings: Settings) -> None:
    settings.READS_PUBLIC = False
    program = Program(funded(), signs=True)
    assert program.get(ACCOUNT).json()["via"] == "signature"
    assert program.get("/api/v1/instruments/").status_code == 200
    assert Client().get("/api/v1/instruments/").status_code == 401
    revoke(program.key)
    assert program.get("/api/v1/instruments/").status_code == 401


def test_orders_beyond_the_limit_of_a_key_are_429(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed("ES")
    settings.EXCHANGE_ORDERS_PER_S, settings.EXCHANGE_ORDERS_BURST = 0.5, 3
    now = [0.0]
    monkeypatch.setattr(limits, "buckets", Buckets(lambda: now[0]))
    program, other = Program(funded()), Program(funded("b"))
    statuses = [program.post(ORDERS, LIMIT).status_code for _ in range(4)]
    assert statuses == [503, 503, 503, 429]
    refused = program.delete(ORDERS)
    assert (refused.status_code, refused["Retry-After"]) == (429, "2")
    assert program.get(ORDERS).status_code == 200
    assert other.post(ORDERS, LIMIT).status_code == 503
    now[0] = 2.0
    assert [program.post(ORDERS, LIMIT).status_code for _ in range(2)] == [503, 429]


@pytest.mark.both_databases
def test_key_revoked_elsewhere_is_refused_within_a_second() -> None:
    now = [0.0]
    key = create_key(funded()).key
    known = KnownKeys(lambda: now[0])
    assert known.find(key.key) is known.find(key.key) is not None
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    now[0] = FRESH_S - 0.01
    assert known.find(key.key)
    now[0] = FRESH_S
    assert known.find(key.key) is None
