"""Patches of daphne: a `send` that waits for slow clients, close codes, longer handshakes.

Daphne takes everything an application sends and keeps it in memory. Here its `send` waits while
more than 64 KiB (Twisted's limit) are unsent, as uvicorn's does. Daphne and Autobahn both end a
connection whose opening handshake takes 5 s, without a log; a burst of clients can take longer.
"""

import asyncio
from typing import Any

from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer  # type: ignore[import-untyped]  # ships no types

from live import closing

REGISTERED = range(1001, 1015)
"""Autobahn's sendClose refuses them, e.g. 1008."""
OPENING_S = 30


@implementer(IPushProducer)
class Gate:
    """The producer of a transport: closed while the transport's buffer is full."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._open = asyncio.Event()
        self._open.set()

    async def passed(self) -> None:
        if not self._open.is_set():
            await self._open.wait()

    def pauseProducing(self) -> None:  # noqa: N802  Twisted's name
        self._open.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self._open.set()
        if self._transport is not None and self._transport.disconnecting:
            self._transport.unregisterProducer()  # otherwise it never closes

    def stopProducing(self) -> None:  # noqa: N802
        self._open.set()


original_on_connect = WebSocketProtocol.onConnect
original_on_close = WebSocketProtocol.onClose
original_reject = WebSocketProtocol.serverReject
original_send = WebSocketProtocol.serverSend
original_opening_timeout = WebSocketProtocol.onOpenHandshakeTimeout
original_ping_timeout = WebSocketProtocol.onAutoPingTimeout
original_set_options = WebSocketFactory.setProtocolOptions
original_process = WebRequest.process
original_finish = WebRequest.finish
original_lost = WebRequest.connectionLost
original_reply = Server.handle_reply
original_init = Server.__init__


def on_connect(self: Any, request: Any) -> Any:
    """Replace the HTTP channel, the transport's producer until now, with a gate."""
    self.gate = Gate(self.transport)
    self.transport.unregisterProducer()
    self.transport.registerProducer(self.gate, True)
    return original_on_connect(self, request)


def on_close(self: Any, *arguments: Any) -> None:
    if gate := getattr(self, "gate", None):
        gate.stopProducing()
    original_on_close(self, *arguments)


def server_send(self: Any, content: bytes | str, binary: bool = False) -> None:
    """Send, unless the connection is closing: its consumer is about to get the disconnect."""
    if self.state in (self.STATE_CONNECTING, self.STATE_OPEN):
        original_send(self, content, binary)


def server_close(self: Any, code: int | None = None) -> None:
    """Close with any code that a server may send."""
    if code in REGISTERED:
        self.sendCloseFrame(code=code, isReply=False)
    else:
        self.sendClose(code=code)


def on_opening_timeout(self: Any) -> None:
    if self.state == self.STATE_CONNECTING:
        closing.note("handshake", client=self.peer)
    original_opening_timeout(self)


def on_ping_timeout(self: Any) -> None:
    closing.note("ping", client=self.peer)
    original_ping_timeout(self)


def set_options(self: Any, *arguments: Any, **options: Any) -> None:
    original_set_options(self, *arguments, **options | {"openHandshakeTimeout": OPENING_S})


def init(self: Any, *arguments: Any, **options: Any) -> None:
    original_init(self, *arguments, **options)
    self.websocket_connect_timeout = max(self.websocket_connect_timeout, OPENING_S)


def server_reject(self: Any) -> None:
    if self.duration() > self.server.websocket_connect_timeout:
        closing.note("handshake", client=self.peer)
    original_reject(self)


def process(self: Any) -> Any:
    """Give a gate to a request that is not an upgrade."""
    if not self.requestHeaders.hasHeader(b"Upgrade"):
        self.gate = Gate(None)
        self.registerProducer(self.gate, True)
    return original_process(self)


def finish(self: Any) -> None:
    release(self)
    original_finish(self)


def connection_lost(self: Any, reason: Any) -> None:
    release(self)
    original_lost(self, reason)


def release(request: Any) -> None:
    if gate := getattr(request, "gate", None):
        gate.stopProducing()
        if request.producer is gate and request.channel is not None:
            request.unregisterProducer()


async def handle_reply(self: Any, protocol: Any, message: Any) -> None:
    """Pass on a message of the application once the client has taken those before it."""
    if gate := getattr(protocol, "gate", None):
        await gate.passed()
    await original_reply(self, protocol, message)


def patch() -> None:
    WebSocketProtocol.onConnect = on_connect
    WebSocketProtocol.onClose = on_close
    WebSocketProtocol.serverSend = server_send
    WebSocketProtocol.serverClose = server_close
    WebSocketProtocol.onOpenHandshakeTimeout = on_opening_timeout
    WebSocketProtocol.onAutoPingTimeout = on_ping_timeout
    WebSocketFactory.setProtocolOptions = set_options
    WebRequest.process = process
    WebRequest.finish = finish
    WebRequest.connectionLost = connection_lost
    WebSocketProtocol.serverReject = server_reject
    Server.__init__ = init
    Server.handle_reply = handle_reply
