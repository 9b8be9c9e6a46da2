"""Clients of the door's WebSockets for tests, without a server."""

import asyncio
import hashlib
import hmac
import json
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from channels.testing import WebsocketCommunicator

from exchange.accounts.opening import create_key
from exchange.tests.clients import MARK, funded
from rig.histories import START, make_instrument, make_ticks, record
from rig.waiting import PATIENCE_S
from venues.bybit.door import door

PUBLIC, PRIVATE, TRADE = "/v5/public/linear", "/v5/private", "/v5/trade"


def listed(name="BTCUSDT", tick_size="0.10", lot_size="0.001", start=START):
    """Return a linear perpetual with quotes."""
    instrument = make_instrument(name, tick_size)
    instrument.lot_size, instrument.currency, instrument.has_book = lot_size, "USDT", True
    instrument.save()
    instrument.refresh_from_db()
    ticks = make_ticks(instrument, 3, start=start)
    ticks["ticks"] = MARK
    record(ticks)
    return instrument


def listed_lately():
    """Return one with quotes of two days ago, for clients that ask for all days since the first."""
    return listed(start=datetime.now(UTC) - timedelta(days=2))


class Socket:
    """One connection; replies and messages of topics arrive in one order."""

    def __init__(self, communicator):
        self._communicator = communicator
        self._unread = []

    async def say(self, message):
        text = message if isinstance(message, str) else json.dumps(message)
        await self._communicator.send_to(text_data=text)

    async def hear(self, is_wanted=lambda message: True):
        """Return the next message that a test wants; keep the others for later."""
        while not (found := [each for each in self._unread if is_wanted(each)]):
            text = await self._communicator.receive_from(PATIENCE_S)
            self._unread.append(json.loads(text))
        self._unread.remove(found[0])
        return found[0]

    async def ask(self, message):
        """Send an operation; return its reply."""
        await self.say(message)
        wanted = message.get("req_id") or message.get("reqId") if isinstance(message, dict) else ""
        return await self.hear(
            lambda reply: (
                (
                    "topic" not in reply
                    and (reply.get("req_id") or reply.get("reqId") or "") == wanted
                )
                if wanted
                else "topic" not in reply
            )
        )

    async def follow(self, *topics):
        reply = await self.ask({"op": "subscribe", "req_id": "follow", "args": list(topics)})
        assert reply["success"], reply

    async def topic(self, name, count=1):
        """Return rows of a topic, as many as wanted or more."""
        rows = []
        while len(rows) < count:
            message = await self.hear(lambda message: message.get("topic") == name)
            rows += message["data"]
        return rows

    async def closed(self):
        """Return the code with which the door closes the connection."""
        while True:
            event = await self._communicator.receive_output(PATIENCE_S)
            if event["type"] == "websocket.close":
                return event.get("code")


@asynccontextmanager
async def connected(path, application=None, query=""):
    communicator = WebsocketCommunicator(application or door(), f"{path}{query}")
    accepted, _ = await communicator.connect(PATIENCE_S)
    assert accepted
    try:
        yield Socket(communicator)
    finally:
        await communicator.disconnect(timeout=PATIENCE_S)


class Bot:
    """An account with a key."""

    def __init__(self, name="bot", *, can_trade=True):
        self.account = funded(name)
        made = create_key(self.account, can_trade=can_trade)
        self.key, self.secret, self.model = made.key.key, made.secret, made.key

    def login(self, *, valid_ms=10_000, secret="", as_text=False):
        expires = round(time.time() * 1000) + valid_ms
        text = f"GET/realtime{expires}".encode()
        sign = hmac.new((secret or self.secret).encode(), text, hashlib.sha256).hexdigest()
        return {"op": "auth", "args": [self.key, str(expires) if as_text else expires, sign]}


def order(link="", **fields):
    """Return the arguments of an order far below the market."""
    return {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.010",
        "price": "1990.0",
        "orderLinkId": link,
        **fields,
    }


def request(op, arguments, number, **header):
    stamp = {"X-BAPI-TIMESTAMP": str(round(time.time() * 1000))}
    return {"reqId": f"r{number}", "header": stamp | header, "op": op, "args": [arguments]}


def run(coroutine):
    return asyncio.run(coroutine)
