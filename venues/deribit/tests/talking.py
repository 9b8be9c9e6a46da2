"""Clients of the door's WebSocket for tests, without a server."""

import asyncio
import itertools
import json
from contextlib import asynccontextmanager

from channels.testing import WebsocketCommunicator

from rig.waiting import PATIENCE_S
from venues.deribit.door import door

PATH = "/deribit/ws/api/v2"


class Socket:
    """One connection; answers and notifications arrive in one order."""

    def __init__(self, communicator):
        self.communicator = communicator
        self._unread = []
        self._ids = itertools.count(1)

    async def say(self, message):
        text = message if isinstance(message, str) else json.dumps(message)
        await self.communicator.send_to(text_data=text)

    async def hear(self, is_wanted=lambda message: True):
        """Return the next message that a test wants; keep the others for later."""
        while not (found := [each for each in self._unread if is_wanted(each)]):
            self._unread.append(json.loads(await self.communicator.receive_from(PATIENCE_S)))
        self._unread.remove(found[0])
        return found[0]

    async def ask(self, method, **params):
        """Call a method; return the whole answer."""
        number = next(self._ids)
        await self.say({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return await self.hear(lambda message: message.get("id") == number)

    async def call(self, method, **params):
        """Call a method; return its result."""
        answer = await self.ask(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    async def refused(self, method, **params):
        """Call a method that is refused; return code and data of the error."""
        answer = await self.ask(method, **params)
        assert "error" in answer, answer
        return answer["error"]["code"], answer["error"].get("data", {})

    async def news(self, channel):
        """Return the data of the next notification of a channel."""
        message = await self.hear(
            lambda message: message.get("params", {}).get("channel") == channel
        )
        return message["params"]["data"]

    async def closed(self):
        """Return the code with which the door closes the connection."""
        while (event := await self.communicator.receive_output(PATIENCE_S))["type"] != (
            "websocket.close"
        ):
            pass
        return event["code"]


@asynccontextmanager
async def connected():
    communicator = WebsocketCommunicator(door(), PATH)
    is_open, _ = await communicator.connect(PATIENCE_S)
    assert is_open
    try:
        yield Socket(communicator)
    finally:
        await communicator.disconnect()


def run(talk):
    """Run a conversation in an event loop of its own."""
    return asyncio.run(talk)
