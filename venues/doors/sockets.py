"""One WebSocket of a door: its messages, its output, its limits and its end."""

import asyncio
import contextlib
import itertools
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.conf import settings

from live import closing, metrics, transports
from live.cutting import made
from live.frames import Publication
from live.limits import MessageRate, connections
from live.outlet import Outlet
from venues.doors import connecting
from venues.doors.application import App
from venues.doors.clients import clients

POLICY_VIOLATION: Final = 1008
INTERNAL_ERROR: Final = 1011
IDLE: Final = 4000
TOO_SLOW: Final = 4008
CUT_OFF_S: Final = 5.0
"""Time for a client that fell behind to read its close."""
LARGEST_MESSAGE: Final = 64 * 1024
MESSAGES_PER_S: Final = 100
LONGEST_IDLE_S: Final = 600
CHECK_S: Final = 5.0
"""Between two looks at whether a connection is idle."""
REPLIES: Final = "replies"
"""What replies count as, beside topics."""
_numbers = itertools.count(1)


class DoorSocket:
    """An ASGI application for one connection. Subclasses say what messages do."""

    venue: str
    """Named in logs."""
    messages_per_s = MESSAGES_PER_S

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        self.connection = secrets.token_hex(10)
        """Named in every reply."""
        self._receive, self._send = receive, send
        self._address = (scope.get("client") or ["unknown"])[0]
        self._rate = MessageRate(self.messages_per_s)
        self._outlet = Outlet(
            send, settings.STREAM_BACKLOG_BYTES, self._end_slow, self._fall_behind
        )
        self._idle_s: float = LONGEST_IDLE_S
        self._active_at = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timers: deque[asyncio.TimerHandle] = deque(maxlen=2)
        self._is_open = False

    async def run(self) -> None:
        await self._receive()  # websocket.connect
        if not self.may_connect():
            await self._refuse_handshake("reads")
            return
        most = settings.STREAM_CONNECTIONS_PER_ADDRESS
        if not connecting.attempts.allows(self._address, limited=bool(most)):
            await self._refuse_handshake("connection_rate")
            return
        if not connections.enter(self._address, most):
            await self._refuse_handshake("connections")
            return
        structlog.contextvars.bind_contextvars(
            connection=f"{self.venue}-{next(_numbers)}", client=self._address
        )
        metrics.SOCKETS.inc()
        clients.connect(self.connection, self.venue, self._address)
        self._is_open = True
        try:
            transports.bound(self._send)
            await self._send({"type": "websocket.accept"})
            self._watch_idleness()
            await self._read()
        finally:
            self._is_open = False
            metrics.SOCKETS.dec()
            clients.disconnect(self.connection)
            connections.leave(self._address)
            await self._finish()

    def may_connect(self) -> bool:
        """Return whether connections are accepted at all."""
        return True

    async def take(self, text: str | None) -> None:
        """Do what a message asks for; `text` is None for a binary one."""
        raise NotImplementedError

    async def ended(self) -> None:
        """Release what the connection used."""

    def deliver(self, publication: Publication) -> None:
        """Send a message of a topic without waiting."""
        self._active_at = asyncio.get_running_loop().time()
        self._outlet.offer(publication)

    def fail(self) -> None:
        """Disconnect after an error of ours."""
        self.start(self.end("error", INTERNAL_ERROR))

    def reply(self, reply: Any) -> None:
        """Send a reply, after everything that was sent before."""
        self._outlet.offer(made(reply, 0, 0, topic=REPLIES))

    def start(self, running: Any) -> None:
        """Run a coroutine beside this connection; it is cancelled at its end."""
        task = asyncio.create_task(running)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self, reason: str, code: int) -> None:
        """Close the connection."""
        closing.note(reason, code=code)
        with contextlib.suppress(OSError, RuntimeError):  # already disconnected
            await self._send({"type": "websocket.close", "code": code})

    async def _read(self) -> None:
        while (event := await self._receive())["type"] == "websocket.receive":
            text = event.get("text")
            if not self._within_limits(text, event.get("bytes")):
                await self.end("limits", POLICY_VIOLATION)
                return
            self._active_at = asyncio.get_running_loop().time()
            await self.take(text)

    def _within_limits(self, text: str | None, data: bytes | None) -> bool:
        size = len(text.encode() if text is not None else data or b"")
        return size <= LARGEST_MESSAGE and self._rate.allows()

    def _fall_behind(self) -> None:
        closing.note("slow", code=TOO_SLOW)
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(CUT_OFF_S, transports.abort, self._send))

    async def _end_slow(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # already disconnected
            await self._send({"type": "websocket.close", "code": TOO_SLOW})

    def _watch_idleness(self) -> None:
        """Close a connection on which nothing but protocol pings has passed for too long."""
        loop = asyncio.get_running_loop()
        self._active_at = self._active_at or loop.time()
        if loop.time() - self._active_at >= self._idle_s:
            self.start(self.end("idle", IDLE))
            return
        self._timers.append(loop.call_later(CHECK_S, self._watch_idleness))

    async def _refuse_handshake(self, reason: str) -> None:
        closing.note(reason, client=self._address)
        await self._send({"type": "websocket.close"})  # before the handshake: HTTP 403

    async def _finish(self) -> None:
        for timer in self._timers:
            timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        self._outlet.close()
        await self.ended()


def application(make: Callable[[Any, Any, Any], DoorSocket]) -> App:
    """Return the ASGI application that serves each connection with a socket."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        await make(scope, receive, send).run()

    return serve
