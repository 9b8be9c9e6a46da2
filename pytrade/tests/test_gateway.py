"""The whole site on a port: its gateway logs in at its own Deribit door, and streams its index."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client as Browser
from pytest_django import Settings

from pytrade.handler import ThreadHandler
from pytrade.routing import build_application
from rig.gateways import own_gateway
from venues.deribit.tests.clients import Client, listed
from venues.gateway import running, tasks
from venues.tests.markets import in_thread
from venues.tests.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT_S = 60


@pytest.fixture
def application() -> Iterator[Any]:
    with own_gateway():
        yield build_application(ThreadHandler())


PATH = "/api/v1/venues/deribit/connections/"


def post(path: str, **body: Any) -> Any:
    return Browser().post(path, json.dumps(body), "application/json").json()


@asynccontextmanager
async def reading(url: str, path: str) -> AsyncIterator[asyncio.StreamReader]:
    """Yield the answer to a GET over a socket."""
    host, _, port = url.removeprefix("ws://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    try:
        yield reader
    finally:
        writer.close()


async def event(reader: asyncio.StreamReader, kind: str) -> dict[str, Any]:
    while True:
        line = (await reader.readline()).decode()
        if line.startswith("data: ") and (found := json.loads(line[6:]))["type"] == kind:
            return dict(found)


async def test_prices_go_from_the_door_to_users_over_events_and_websockets(
    application: Any, settings: Settings
) -> None:
    bot = await in_thread(lambda: (listed(), Client())[1])
    async with asyncio.timeout(LIMIT_S), serving(application) as url:
        settings.DERIBIT_URL = f"{url}/deribit/ws/api/v2"
        made = await in_thread(post, PATH, client_id=bot.key, client_secret=bot.secret)
        token = made["stream"].rstrip("/").split("/")[-2]
        await in_thread(post, f"{PATH}{token}/subscriptions/", ticker="btc_usd", interval_s=1)
        async with reading(url, f"{PATH}{token}/stream/") as reader:
            assert (await event(reader, "status"))["state"] == "open"
            price = await event(reader, "price")
        assert (price["ticker"], price["seq"], price["price"]) == ("btc_usd", 1, 65000.0)
        await in_thread(tasks.fetch_prices)
        socket = WebsocketCommunicator(
            application, f"/ws/v1/venues/deribit/{token}?since=btc_usd:1"
        )
        assert (await socket.connect(LIMIT_S))[0]
        heard: list[Any] = [json.loads(await socket.receive_from(LIMIT_S)) for _ in range(2)]
        await socket.disconnect()
        assert [each.get("seq") for each in heard if each["type"] == "price"] == [2]
        (shown,) = (await in_thread(lambda: Browser().get("/api/v1/venues/"))).json()
        await asyncio.to_thread(running.stop)
    assert shown["tickers"] == [{"ticker": "btc_usd", "followers": 1, "error": ""}]
    assert (shown["connections"], shown["pool"]["requests"] >= 4) == (1, True)


async def test_websocket_of_an_unknown_token_is_refused(application: Any) -> None:
    socket = WebsocketCommunicator(application, "/ws/v1/venues/deribit/nonsense")
    assert not (await socket.connect(LIMIT_S))[0]
