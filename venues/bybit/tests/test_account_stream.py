"""The stream of an account connects again whenever its login is not answered by Bybit."""

import asyncio
import contextlib
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from rig.waiting import PATIENCE_S
from venues.brokers import Cursor
from venues.bybit.client import accountstream
from venues.bybit.client.addresses import Addresses
from venues.bybit.client.broker import opened
from venues.bybit.client.rest import Credentials
from venues.feeds import following

REPLIES = ("{}", None, '{"op":"auth","success":true}')
"""To the login on each connection: garbage, nothing, what Bybit replies."""


class Venue:
    """Notes what is said on each connection."""

    def __init__(self):
        self.said = []

    async def follow(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        reply = REPLIES[min(len(self.said), len(REPLIES) - 1)]
        ops = []
        self.said.append(ops)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                ops.append(message.json()["op"])
                if reply is not None:
                    await socket.send_str(reply)
        return socket


@asynccontextmanager
async def served(venue):
    app = web.Application()
    app.router.add_get("/v5/private", venue.follow)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_login_that_is_not_answered_by_bybit_is_repeated(monkeypatch):
    monkeypatch.setattr(accountstream, "ANSWER_S", 0.5)
    monkeypatch.setattr(following, "FIRST_PAUSE_S", 0.01)
    venue = Venue()
    async with (
        served(venue) as url,
        opened(Addresses.below(url), Credentials("key", "secret"), {}) as broker,
    ):
        reading = asyncio.create_task(anext(broker.changes(Cursor())))
        async with asyncio.timeout(PATIENCE_S):
            while not any("subscribe" in ops for ops in venue.said):
                await asyncio.sleep(0.01)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
    assert venue.said[:2] == [["auth"], ["auth"]]
