"""The WebSocket door of the live path. Protocol: docs/api.md."""

import time
from typing import Any

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError

from quotes.feed import Feed
from quotes.frames import encode
from quotes.hub import current_hub
from quotes.protocol import ProtocolError, Request, parse

logger = structlog.get_logger(__name__)

LARGEST_MESSAGE = 16 * 1024
MOST_TOPICS = 500
MESSAGES_PER_S = 50
POLICY_VIOLATION = 1008


class StreamConsumer(AsyncWebsocketConsumer):
    """One client on a socket: what it says is parsed here, what it follows is its feed's."""

    channel_layer_alias = ""  # the hub owns the only channel of this process

    async def connect(self) -> None:
        self._feed = Feed(current_hub(), self.send)
        self._window, self._messages = 0, 0
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self._feed.close()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self._within_limits(text_data, bytes_data):
            await self.close(POLICY_VIOLATION)
            return
        try:
            if text_data is None:
                raise ProtocolError("bad_message", "send text frames that hold JSON")
            request = parse(text_data)
            await {
                "subscribe": self._subscribe,
                "unsubscribe": self._unsubscribe,
                "ping": self._pong,
            }[request.op](request)
        except ProtocolError as error:
            answer = {"op": "error", "code": error.code, "detail": error.detail}
            await self._answer(answer, error.req_id)
        except DatabaseError:
            logger.exception("subscription failed")
            await self._answer(
                {"op": "error", "code": "unavailable", "detail": "the database is away; try again"},
                None,
            )

    def _within_limits(self, text_data: str | None, bytes_data: bytes | None) -> bool:
        now = int(time.monotonic())
        if now != self._window:
            self._window, self._messages = now, 0
        self._messages += 1
        size = len(text_data.encode() if text_data is not None else bytes_data or b"")
        return size <= LARGEST_MESSAGE and self._messages <= MESSAGES_PER_S

    async def _answer(self, answer: dict[str, Any], req_id: Any) -> None:
        if req_id is not None:
            answer["req_id"] = req_id
        await self.send(encode(answer))

    async def _pong(self, request: Request) -> None:
        await self._answer({"op": "pong"}, request.req_id)

    async def _subscribe(self, request: Request) -> None:
        topics = await self._feed.resolve(request.args, request.req_id)
        if len(self._feed.topics.union(topics)) > MOST_TOPICS:
            await self.close(POLICY_VIOLATION)
            return
        await self._answer(
            {"op": "subscribe", "success": True, "args": list(request.args)}, request.req_id
        )
        for topic in topics:
            await self._feed.follow(topic, request.since.get(topic.partition(".")[2]))

    async def _unsubscribe(self, request: Request) -> None:
        for topic in await self._feed.resolve(request.args, request.req_id):
            await self._feed.leave(topic)
        await self._answer(
            {"op": "unsubscribe", "success": True, "args": list(request.args)}, request.req_id
        )
