"""Patched daphne: a slow client pauses its response, a failed response closes its connection."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from daphne.http_protocol import HTTPFactory
from daphne.server import Server
from twisted.internet.testing import StringTransport

from pytrade.routing import build_application

Send = Callable[[dict[str, Any]], Awaitable[None]]
PIECE = b"x" * 1000
PIECES = 20


class Connection:
    """A client's connection to an application, without a network."""

    def __init__(self, application: Any) -> None:
        build_application(application)  # patches daphne
        self.server = Server(application, endpoints=["unused"])
        self.server.connections = {}
        self.transport = StringTransport()
        channel = HTTPFactory(self.server).buildProtocol(None)
        channel.makeConnection(self.transport)
        channel.dataReceived(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        (self.request,) = self.server.connections

    @property
    def sent(self) -> int:
        return int(self.transport.value().count(PIECE))

    @property
    def producer(self) -> Any:
        """What the transport pauses while its buffer is full, and stops when the client is gone."""
        assert self.transport.producer is not None
        return self.transport.producer


async def settle() -> None:
    """Let the loop run everything that is ready."""
    for _ in range(10 * PIECES):
        await asyncio.sleep(0)


async def pieces(scope: Any, receive: Any, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    for _ in range(PIECES):
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    await send({"type": "http.response.body"})


async def test_response_waits_while_the_buffer_of_its_connection_is_full() -> None:
    connection = Connection(pieces)
    await asyncio.sleep(0)
    while connection.sent < 3:
        await asyncio.sleep(0)
    connection.producer.pauseProducing()
    await settle()
    waiting_at = connection.sent
    assert waiting_at < PIECES
    await settle()
    assert connection.sent == waiting_at
    connection.producer.resumeProducing()
    await settle()
    assert connection.sent == PIECES
    assert connection.request.finished


async def test_lost_connection_ends_its_waiting_response() -> None:
    connection = Connection(pieces)
    await asyncio.sleep(0)
    while connection.sent < 3:
        await asyncio.sleep(0)
    connection.producer.pauseProducing()
    await settle()
    answering = connection.server.connections[connection.request]["application_instance"]
    connection.producer.stopProducing()
    await asyncio.wait_for(answering, 20)


@pytest.mark.parametrize("started", [False, True])
async def test_failed_response_is_a_500_or_closes_its_connection(started: bool) -> None:
    async def failing(scope: Any, receive: Any, send: Send) -> None:
        if started:
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})

    connection = Connection(failing)
    await settle()
    connection.request.handle_exception(RuntimeError("of an application"))
    assert connection.transport.disconnected is started
    assert connection.transport.value().startswith(b"HTTP/1.1 200" if started else b"HTTP/1.1 500")
