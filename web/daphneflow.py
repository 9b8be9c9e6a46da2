"""What daphne lacks for long HTTP answers.

Backpressure: `send` waits until the client has read, otherwise the answer to a slow client piles up
in memory. And an answer that fails half-way ends its connection: daphne tries to start another
answer, which raises, and ends its own checks of all connections.
"""

import asyncio
from typing import Any

from daphne.http_protocol import WebRequest
from daphne.server import Server

reply = Server.handle_reply
finish = WebRequest.finish
handle_exception = WebRequest.handle_exception


class Flow:
    """A push producer of Twisted: paused while the buffer of its connection is full."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def pauseProducing(self) -> None:  # noqa: N802  Twisted's names
        self._open.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self._open.set()

    stopProducing = resumeProducing  # noqa: N815  the connection is lost: nothing to wait for

    async def wait(self) -> None:
        await self._open.wait()


async def handle_reply(self: Server, protocol: Any, message: dict[str, Any]) -> None:
    """Send a message of the application; before more of a body, wait until the client has read."""
    await reply(self, protocol, message)
    if not message.get("more_body") or not isinstance(protocol, WebRequest):
        return
    if protocol.finished or protocol.channel is None:  # the client has disconnected
        return
    if protocol.producer is None:
        protocol.registerProducer(Flow(), True)
    await protocol.producer.wait()


def finish_flow(self: WebRequest) -> None:
    if self.producer is not None:
        self.unregisterProducer()
    finish(self)


def abort_started(self: WebRequest, exception: Exception) -> None:
    """Let the client see that an answer is incomplete; answer 500 if none has started."""
    if not self._response_started:
        handle_exception(self, exception)
    elif self.channel is not None:
        self.channel.transport.abortConnection()


def mend() -> None:
    Server.handle_reply = handle_reply
    WebRequest.finish = finish_flow
    WebRequest.handle_exception = abort_started
