"""Who is let in, over HTTP and WebSocket."""

import base64
import time

import pytest
from pytest_django.fixtures import Settings

from exchange.accounts.opening import create_key, open_account, revoke
from exchange.accounts.signatures import signature
from exchange.models import Command
from live.logins import Access
from venues.deribit.methods.admission import Gate
from venues.deribit.rest import Rest
from venues.deribit.signing import login_text
from venues.deribit.tests.clients import LIMIT, Client, body_of, post, public
from venues.deribit.tests.talking import connected
from venues.doors.http import Request
from venues.doors.sockets import POLICY_VIOLATION
from venues.tests.markets import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
POSITIONS = {"jsonrpc": "2.0", "id": 1, "method": "private/get_positions", "params": {}}


def credentials(client: Client, **more: object) -> dict[str, object]:
    return {"grant_type": "client_credentials", "client_id": client.key,
            "client_secret": client.secret, **more}  # fmt: skip


def signed(client: Client, age_ms: int = 0) -> dict[str, object]:
    stamp = time.time_ns() // 1_000_000 - age_ms
    sig = signature(client.secret, login_text(str(stamp), "n", ""))
    return {"grant_type": "client_signature", "client_id": client.key, "timestamp": stamp,
            "nonce": "n", "data": "", "signature": sig}  # fmt: skip


def test_credentials_are_exchanged_for_a_token(client: Client) -> None:
    result = public("public/auth", **credentials(client, state="s"))["result"]
    assert set(result) == {
        "access_token", "refresh_token", "expires_in", "scope", "token_type", "enabled_features",
        "sid", "state",
    }  # fmt: skip
    assert (result["state"], "session:rest-" in result["scope"]) == ("s", True)
    assert post(POSITIONS, authorization=f"Bearer {result['access_token']}")["result"] == []
    refreshed = public("public/auth", grant_type="refresh_token",
                       refresh_token=result["refresh_token"])["result"]  # fmt: skip
    assert refreshed["scope"] == result["scope"]
    named = {**POSITIONS, "params": {"access_token": refreshed["access_token"]}}
    assert post(named)["result"] == []


def test_signatures_and_basic_headers_prove_a_key(client: Client) -> None:
    token = public("public/auth", **signed(client))["result"]["access_token"]
    assert post(POSITIONS, authorization=f"bearer {token}")["result"] == []
    basic = base64.b64encode(f"{client.key}:{client.secret}".encode()).decode()
    assert post(POSITIONS, authorization=f"Basic {basic}")["result"] == []


def test_unproved_requests_are_refused(client: Client) -> None:
    assert post(POSITIONS)["error"]["code"] == 10000
    for wrong in (
        credentials(client, client_secret="x"),
        credentials(client, client_id="x"),
        signed(client) | {"nonce": "other"},
        signed(client, age_ms=61_000),
    ):
        assert public("public/auth", **wrong)["error"]["code"] == 13004
    assert public("public/auth", grant_type="password")["error"]["code"] == -32602
    for header in ("bearer x", "Basic x", "Basic AHg6eQ==", "nonsense", "deri-hmac-sha256 id=x"):
        assert post(POSITIONS, authorization=header)["error"]["code"] == 13009
    old = client.signed("private/get_positions", age_ms=61_000)
    assert body_of(client.rest(old))["error"]["code"] == 13004
    request = client.signed("private/get_positions")
    other = Request(method="GET", path=request.path, query=b"currency=BTC",
                    headers=request.headers)  # fmt: skip
    assert body_of(client.rest(other))["error"]["code"] == 13004


def test_tokens_die_with_their_key(client: Client) -> None:
    result = public("public/auth", **credentials(client))["result"]
    revoke(client.model)
    header = {"authorization": f"bearer {result['access_token']}"}
    assert post(POSITIONS, **header)["error"]["code"] == 13009
    refresh = public("public/auth", grant_type="refresh_token",
                     refresh_token=result["refresh_token"])  # fmt: skip
    assert refresh["error"]["code"] == 13009


def test_scope_can_make_a_token_read_only(client: Client) -> None:
    result = public("public/auth", **credentials(client, scope="trade:read"))["result"]
    order = {**POSITIONS, "method": "private/buy", "params": dict(LIMIT)}
    header = {"authorization": f"bearer {result['access_token']}"}
    assert post(order, **header)["error"]["code"] == 13021
    assert Command.objects.count() == 0


def test_credits_are_those_of_the_account(client: Client, settings: Settings) -> None:
    settings.DERIBIT_LIMIT_FACTOR = 1e-9  # one request
    client.rest = Rest(Gate())
    assert client.call("private/get_positions") == []
    answer = client.send("private/get_positions")
    assert (answer.status, body_of(answer)["error"]["code"]) == (429, 10028)
    other = Client(open_account(name="other", balance=0), client.rest)
    assert other.call("private/get_positions") == []


async def test_connection_logs_in_once_for_all_requests(client: Client) -> None:
    async with connected() as socket, connected() as stranger:
        assert (await socket.refused("private/get_positions"))[0] == 10000
        result = await socket.call("public/auth", **credentials(client))
        assert await socket.call("private/get_positions") == []
        assert " connection " in result["scope"]
        token = result["access_token"]
        assert (await stranger.refused("private/get_positions", access_token=token))[0] == 13009
        shared = await socket.call("public/fork_token", refresh_token=result["refresh_token"],
                                   session_name="all")  # fmt: skip
        token = shared["access_token"]
        assert await stranger.call("private/get_positions", access_token=token) == []


async def test_connection_belongs_to_one_account(client: Client) -> None:
    other = await in_thread(lambda: Client(open_account(name="other", balance=0)))
    async with connected() as socket:
        await socket.call("public/auth", **signed(client))
        assert (await socket.refused("public/auth", **signed(other)))[0] == 13009
        again = await in_thread(create_key, client.account)
        await socket.call("public/auth", grant_type="client_credentials",
                          client_id=again.key.key, client_secret=again.secret)  # fmt: skip


async def test_revoked_key_ends_its_connections(client: Client) -> None:
    async with connected() as socket:
        await socket.call("public/auth", **credentials(client))
        await in_thread(revoke, client.model)
        await Access.end_revoked()
        assert await socket.closed() == POLICY_VIOLATION


async def test_revoked_key_ends_connections_that_follow_private_channels_by_its_token(
    client: Client,
) -> None:
    other = await in_thread(lambda: Client(open_account(name="other", balance=0)))
    tokens = [
        (await in_thread(public, "public/auth", **credentials(each)))["result"]["access_token"]
        for each in (client, other)
    ]
    names = ["user.orders.any.any.raw"]
    async with connected() as socket:
        for _ in range(2):
            assert names == await socket.call(
                "private/subscribe", channels=names, access_token=tokens[0]
            )
        refused = await socket.refused(
            "private/subscribe", channels=["user.portfolio.usdc"], access_token=tokens[1]
        )
        assert refused[0] == 13009
        await in_thread(revoke, client.model)
        await Access.end_revoked()
        assert await socket.closed() == POLICY_VIOLATION


async def test_logout_closes_the_connection(client: Client) -> None:
    async with connected() as socket:
        await socket.call("public/auth", **credentials(client))
        await socket.say({"jsonrpc": "2.0", "id": 9, "method": "private/logout"})
        assert await socket.closed() == 1000
