"""The WebSocket door of the live path. Protocol: docs/api.md."""

import time
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError

from instruments.models import Instrument
from quotes.catchup import missed, state_of, symbols_and_instruments
from quotes.frames import Publication, encode
from quotes.hub import current_hub
from quotes.protocol import ProtocolError, Request, parse, split_topic

logger = structlog.get_logger(__name__)

LARGEST_MESSAGE = 16 * 1024
MOST_TOPICS = 500
MESSAGES_PER_S = 50
POLICY_VIOLATION = 1008


class StreamConsumer(AsyncWebsocketConsumer):
    """One client: its topics, and per topic of quotes the last seq that it was sent."""

    channel_layer_alias = ""  # the hub owns the only channel of this process

    async def connect(self) -> None:
        self._hub = current_hub()
        self._instruments: dict[str, Instrument] = {}
        self._sent_seq: dict[str, int] = {}
        self._catching_up: dict[str, list[Publication]] = {}
        self._topics: set[str] = set()
        self._window, self._messages = 0, 0
        await self.accept()

    async def disconnect(self, code: int) -> None:
        for topic in self._topics:
            await self._hub.unsubscribe(topic, self)

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
        topics = await self._resolve(request)
        if len(self._topics.union(topics)) > MOST_TOPICS:
            await self.close(POLICY_VIOLATION)
            return
        await self._answer(
            {"op": "subscribe", "success": True, "args": list(request.args)}, request.req_id
        )
        for topic in topics:
            if topic not in self._topics:
                await self._start(topic, request.since.get(topic.partition(".")[2]))

    async def _unsubscribe(self, request: Request) -> None:
        for topic in await self._resolve(request):
            self._topics.discard(topic)
            await self._hub.unsubscribe(topic, self)
        await self._answer(
            {"op": "unsubscribe", "success": True, "args": list(request.args)}, request.req_id
        )

    async def _resolve(self, request: Request) -> list[str]:
        """Return the topics that are meant, `*` written out; raise ProtocolError."""
        pairs = [split_topic(topic, request.req_id) for topic in request.args]
        found = await database_sync_to_async(symbols_and_instruments)([s for _, s in pairs])
        self._instruments.update(found)
        topics: list[str] = []
        for kind, symbol in pairs:
            if symbol != "*" and symbol not in found:
                raise ProtocolError(
                    "unknown_topic",
                    f"topic {kind}.{symbol} names no instrument; see /api/v1/instruments/",
                    request.req_id,
                )
            topics += [f"{kind}.{s}" for s in (found if symbol == "*" else [symbol])]
        return list(dict.fromkeys(topics))

    async def _start(self, topic: str, since: int | None) -> None:
        """Subscribe first, then read what was missed, then apply what came meanwhile."""
        kind, symbol = split_topic(topic)
        self._topics.add(topic)
        if kind != "quotes":
            await self._hub.subscribe(topic, self)
            if kind == "status":
                state = await database_sync_to_async(state_of)(self._instruments[symbol])
                await self.send(encode({"topic": topic, "type": "status", "state": state}))
            return
        self._catching_up[topic] = []
        await self._hub.subscribe(topic, self)
        await self._catch_up(topic, since)

    async def _catch_up(self, topic: str, since: int | None) -> None:
        """Send what the database holds after `since`, then what the hub brought meanwhile."""
        instrument = self._instruments[topic.partition(".")[2]]
        try:
            frames, last_seq = await database_sync_to_async(missed)(instrument, since)
        finally:
            queued = self._catching_up.pop(topic)
        self._sent_seq[topic] = last_seq
        for frame in frames:
            await self.send(encode(frame))
        for publication in queued:
            await self.deliver(publication)

    async def deliver(self, publication: Publication) -> None:
        """Send a frame that continues what was sent; fill holes from the database."""
        topic = publication["topic"]
        if topic in self._catching_up:
            self._catching_up[topic].append(publication)
        elif publication["last_seq"] == 0:
            await self.send(publication["text"])
        elif publication["first_seq"] == self._sent_seq[topic] + 1:
            self._sent_seq[topic] = publication["last_seq"]
            await self.send(publication["text"])
        elif publication["last_seq"] > self._sent_seq[topic]:
            self._catching_up[topic] = []
            await self._catch_up(topic, self._sent_seq[topic])
