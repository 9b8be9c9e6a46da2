"""Logins with credentials of our own door, over real sockets; nothing keeps the credentials."""

import asyncio
import contextlib
import io
import json
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import Settings
from websockets.asyncio.server import ServerConnection

from venues.deribit.door import door
from venues.deribit.tests.clients import Client, listed
from venues.gateway import connections, logins, running, tasks, vault
from venues.gateway.credentials import Credentials, CredentialsGoneError
from venues.gateway.models import Connection, ConnectionState, Person, SealingKey
from venues.gateway.tests.talking import answered, venue
from venues.tests.markets import in_thread
from venues.tests.serving import serving
from web.taskqueue import app

pytestmark = pytest.mark.django_db(transaction=True)
CONNECTIONS = "/api/v1/venues/deribit/connections/"


@pytest.fixture
def bot() -> Client:
    listed()
    return Client()


@contextlib.asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[None]:
    """Serve our door as the venue of the gateway."""
    async with serving(door()) as url:
        settings.DERIBIT_URL = f"{url}/ws/api/v2"
        try:
            yield
        finally:
            await asyncio.to_thread(running.stop)


async def connect(client_id: str, client_secret: str) -> Any:
    """Return status and body of the answer."""
    body = {"client_id": client_id, "client_secret": client_secret}

    def post() -> Any:
        answer = Browser().post(CONNECTIONS, json.dumps(body), "application/json")
        return answer.status_code, answer.json()

    return await in_thread(post)


def everything_stored() -> str:
    """Return all rows of the database and all entries of the cache as text."""
    rows = io.StringIO()
    call_command("dumpdata", "gateway", "exchange.account", stdout=rows)
    cache = caches[vault.CACHE]
    return rows.getvalue() + str(getattr(cache, "_cache", {}))


async def test_login_opens_a_connection_and_leaves_no_trace_of_the_credentials(
    bot: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(settings):
        status, body = await connect(bot.key, bot.secret)
        wrong, problem = await connect(bot.key, "not-the-secret-of-the-key")
    assert (status, body["state"], body["account"]) == (201, "open", "bot")
    assert body["stream"].startswith("http://testserver/api/v1/venues/deribit/connections/")
    assert wrong == 401
    assert problem["detail"].startswith("the venue answered 13004: invalid_credentials")
    assert await in_thread(Person.objects.count) == 1
    assert await in_thread(SealingKey.objects.count) == 0
    stored = await in_thread(everything_stored)
    for secret in (bot.key, bot.secret, "not-the-secret-of-the-key"):
        assert secret not in stored + caplog.text


async def test_addresses_of_cryptomarket_log_in_stream_and_follow(
    bot: Client, settings: Settings
) -> None:
    def asked(path: str) -> Any:
        answer = Browser().get(path)
        return answer.status_code, answer.json()

    async with served(settings):
        headers = {"Client-Id": bot.key, "Client-Secret": bot.secret}
        stream = await in_thread(Browser().get, "/api/v2/sse/connection", headers=headers)
        events = aiter(stream)
        first = json.loads((await anext(events)).removeprefix(b"data: "))
        address = f"/api/v1/market/{first['user']}"
        made = await in_thread(asked, f"{address}/create_order/btc_usd?interval_s=5")
        assert (made[0], made[1]["interval_s"]) == (201, 5)
        assert await in_thread(asked, f"{address}/get_order/btc_usd") == (200, made[1])
        while b'"price"' not in (text := await anext(events)):
            assert b'"stale"' not in text
        for path in ("cancel_order/btc_usd", "cancel_all_orders"):
            count = int(path.startswith("cancel_order"))
            assert await in_thread(asked, f"{address}/{path}") == (200, {"cancelled": count})
        await events.aclose()
        wrong = await in_thread(
            Browser().get, "/api/v2/sse/connection", headers={**headers, "Client-Secret": "x"}
        )
    missing = await in_thread(Browser().get, "/api/v2/sse/connection")
    assert (first["type"], wrong.status_code, missing.status_code) == ("connection", 401, 401)


async def test_login_is_cached_and_needs_the_same_secret(bot: Client, settings: Settings) -> None:
    async with served(settings):
        await connect(bot.key, bot.secret)

    async def down(connection: Any) -> None:
        await connection.close()

    async with venue(down) as url:
        settings.DERIBIT_URL = url
        assert (await connect(bot.key, bot.secret))[0] == 201
        await asyncio.to_thread(running.stop)
    assert await in_thread(Person.objects.count) == 1
    assert not await in_thread(logins_with_other_secret, bot)


async def test_login_that_fails_for_another_reason_ends_as_unavailable(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async def listing(connection: ServerConnection) -> None:
        async for text in connection:
            await connection.send(answered(text, result=[]))

    async with venue(listing) as url:
        settings.DERIBIT_URL = url
        status, body = await connect("id", "hidden-secret")
        await asyncio.to_thread(running.stop)
    assert (status, body["detail"]) == (503, "the login failed: try again")
    assert "hidden-secret" not in caplog.text


def test_logins_at_a_slow_venue_leave_threads_to_other_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handed: list[str] = []
    monkeypatch.setattr(tasks.authenticate, "delay", lambda handle, _: handed.append(handle))
    monkeypatch.setattr(connections, "ANSWER_S", 3_600.0)
    monkeypatch.setattr(connections, "_waits", threading.BoundedSemaphore(1))
    with connections._waits:  # as if another request waited
        made, _ = connections.opened(Credentials("id", "secret"))
    assert (made.state, len(handed)) == (ConnectionState.PENDING, 1)


def logins_with_other_secret(bot: Client) -> bool:
    known = caches[vault.CACHE].get(f"login:{logins.fingerprint(bot.key)}")
    return bool(known["proof"] == logins.digest("secret", f"{bot.key}\0other"))


async def test_nightly_task_stores_logins_and_deletes_what_expired(
    bot: Client, settings: Settings
) -> None:
    async with served(settings):
        await connect(bot.key, bot.secret)
    long_ago = timezone.now() - timedelta(days=2)
    await in_thread(Person.objects.update, last_login_at=long_ago)
    await in_thread(Connection.objects.update, expires_at=long_ago)
    assert await in_thread(logins.store_persons) == 1
    person = await in_thread(Person.objects.get)
    assert person.last_login_at > long_ago
    assert await in_thread(Connection.objects.count) == 0


def test_logins_wait_behind_prices_in_the_broker() -> None:
    routes = [app.amqp.router.route({}, f"gateway.{name}") for name in ("authenticate", "refresh")]
    assert [(each["queue"].name, each.get("priority", 0)) for each in routes] == [
        ("gateway", 9), ("gateway", 0),
    ]  # fmt: skip


def test_expired_credentials_cannot_be_taken_and_are_deleted() -> None:
    handles = [vault.keep(Credentials("id", "secret")) for _ in range(3)]
    assert vault.take(handles[0]) == Credentials("id", "secret")
    with pytest.raises(CredentialsGoneError):
        vault.take(handles[0])
    SealingKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert vault.purge() == 2
    assert SealingKey.objects.count() == 0
    assert [caches[vault.CACHE].get(f"sealed:{handle}") for handle in handles] == [None] * 3


@pytest.mark.parametrize(
    "body", ["{}", "[]", '{"client_id": "x"}', '{"client_id": 1, "client_secret": "hidden"}',
             '{"client_id": "x", "client_secret": "hidden", "more": 1}'],
)  # fmt: skip
def test_malformed_credentials_are_refused_without_being_repeated(body: str) -> None:
    answer = Browser().post(CONNECTIONS, body, "application/json")
    assert answer.status_code == 400
    assert "hidden" not in answer.content.decode()
    assert Connection.objects.count() == 0
