"""The WebSocket endpoint of the live path. Protocol: docs/live.md."""

import asyncio
import contextlib
import itertools
from typing import Any

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseError

from live import closing, metrics, transports
from live.clientfeed import ClientFeed
from live.frames import encode
from live.hub import current_hub
from live.limits import LARGEST_MESSAGE, MOST_TOPICS, MessageRate, connections
from live.logins import Access
from live.outlet import Outlet
from live.protocol import ProtocolError, Request, parse

logger = structlog.get_logger(__name__)

POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011
IDLE = 4000
TOO_SLOW = 4008
CUT_OFF_S = 5.0
"""Time for a client that fell behind to read the gap and the close; then it is disconnected."""
_numbers = itertools.count(1)


class StreamConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types
    """One WebSocket client: parses its messages; its feed sends the frames of its topics."""

    channel_layer_alias = ""  # the hub owns the only channel of this process
    _feed: ClientFeed | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.disconnect()  # servers may raise after a client disconnected

    async def connect(self) -> None:
        self._address = (self.scope.get("client") or ["unknown"])[0]
        if not connections.enter(self._address, settings.STREAM_CONNECTIONS_PER_ADDRESS):
            closing.note("connections", client=self._address)
            await self.close()  # before the handshake: HTTP 403
            return
        structlog.contextvars.bind_contextvars(connection=next(_numbers), client=self._address)
        hub = current_hub()
        self._outlet = Outlet(
            self.base_send,
            settings.STREAM_BACKLOG_BYTES,
            self._end_slow,
            self._fall_behind,
            hub.batches,
        )
        self._feed = ClientFeed(hub, self._outlet.send, self._outlet.offer, self._fail)
        self._access = Access(
            self.scope["headers"], self._end_revoked, self.scope.get("query_string", b"")
        )
        self._rate = MessageRate()
        self._idle: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        metrics.SOCKETS.inc()
        transports.bound(self.base_send)
        await self.accept()
        self._watch_idleness()

    async def disconnect(self, code: int | None = None) -> None:
        if self._feed is None:
            return
        feed, self._feed = self._feed, None
        for timer in (self._idle, self._patience):
            if timer is not None:
                timer.cancel()
        metrics.SOCKETS.dec()
        connections.leave(self._address)
        self._outlet.close()
        await feed.close()
        await self._access.close()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._feed is None:
            return
        if not self._within_limits(text_data, bytes_data):
            await self._refuse("limits", POLICY_VIOLATION)
            return
        self._watch_idleness()
        try:
            if text_data is None:
                raise ProtocolError("bad_message", "send text frames that hold JSON")
            request = parse(text_data)
            await {
                "subscribe": self._subscribe,
                "unsubscribe": self._unsubscribe,
                "ping": self._pong,
                "auth": self._authenticate,
            }[request.op](request, self._feed)
        except ProtocolError as error:
            answer = {"op": "error", "code": error.code, "detail": error.detail}
            await self._answer(answer, error.req_id)
        except DatabaseError as error:
            logger.warning("subscription failed", error=str(error).strip())
            detail = "the database is unavailable; try again"
            await self._answer({"op": "error", "code": "unavailable", "detail": detail}, None)

    def _within_limits(self, text_data: str | None, bytes_data: bytes | None) -> bool:
        size = len(text_data.encode() if text_data is not None else bytes_data or b"")
        return size <= LARGEST_MESSAGE and self._rate.allows()

    async def _refuse(self, reason: str, code: int) -> None:
        closing.note(reason, code=code)
        with contextlib.suppress(OSError):  # already disconnected
            await self.close(code)

    def _fall_behind(self) -> None:
        closing.note("slow", code=TOO_SLOW)
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(CUT_OFF_S, transports.abort, self.base_send)

    async def _end_slow(self) -> None:
        with contextlib.suppress(OSError):  # already disconnected
            await self.close(TOO_SLOW)

    def _fail(self) -> None:
        self._closing = asyncio.create_task(self._refuse("error", INTERNAL_ERROR))

    def _end_revoked(self) -> None:
        self._closing = asyncio.create_task(self._refuse("revoked", POLICY_VIOLATION))

    def _watch_idleness(self) -> None:
        """Restart the timer that closes a client without topics and messages."""
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(settings.STREAM_IDLE_S, self._end_idle)

    def _end_idle(self) -> None:
        if self._feed is not None and not self._feed.topics:
            self._closing = asyncio.create_task(self._refuse("idle", IDLE))

    async def _answer(self, answer: dict[str, Any], req_id: Any) -> None:
        if req_id is not None:
            answer["req_id"] = req_id
        await self.send(encode(answer))

    async def _pong(self, request: Request, feed: ClientFeed) -> None:
        await self._answer({"op": "pong"}, request.req_id)

    async def _authenticate(self, request: Request, feed: ClientFeed) -> None:
        await self._access.authenticate(request)
        await self._answer({"op": "auth", "success": True}, request.req_id)

    async def _topics(self, request: Request, feed: ClientFeed) -> tuple[list[str], dict[str, str]]:
        """Return the topics of a request, and the private ones among them by their names."""
        private = await self._access.internal(request.args, request.req_id)
        public = [name for name in request.args if name not in private]
        return [*await feed.resolve(public, request.req_id), *private.values()], private

    async def _subscribe(self, request: Request, feed: ClientFeed) -> None:
        topics, private = await self._topics(request, feed)
        if len(feed.topics.union(topics)) > MOST_TOPICS:
            await self._refuse("topics", POLICY_VIOLATION)
            return
        self._outlet.batching = self._outlet.batching or request.batch
        await self._answer(
            {"op": "subscribe", "success": True, "args": list(request.args)}, request.req_id
        )
        since = {private.get(name, name): seq for name, seq in request.since.items()}
        await feed.follow(topics, since)

    async def _unsubscribe(self, request: Request, feed: ClientFeed) -> None:
        topics, _ = await self._topics(request, feed)
        for topic in topics:
            await feed.leave(topic)
        self._watch_idleness()
        await self._answer(
            {"op": "unsubscribe", "success": True, "args": list(request.args)}, request.req_id
        )
