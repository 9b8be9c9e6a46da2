"""Prices to one user over a WebSocket: the events of the server-sent stream, one per message."""

import asyncio
from typing import Any

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError

from live import closing
from live.reads import read
from venues.gateway import metrics
from venues.gateway.connections import find
from venues.gateway.http.stream import since_of
from venues.gateway.pricefeed import PriceFeed

ENDED = 1001
UNAVAILABLE = 1011


class PriceConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Sends only; `?since=btc_usd:17` resumes."""

    _sending: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        try:
            since = since_of(self.scope["query_string"])
            connection = await read(find, self.scope["url_route"]["kwargs"]["token"])
        except (ValueError, DatabaseError):
            connection = None
        if connection is None:
            await self.close()  # before the handshake: HTTP 403
            return
        await self.accept()
        self._sending = asyncio.create_task(self._send_all(PriceFeed(connection.pk, since)))

    async def disconnect(self, code: int) -> None:
        if self._sending is not None:
            self._sending.cancel()

    async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
        """Ignore messages: subscriptions are made over HTTP."""

    async def _send_all(self, feed: PriceFeed) -> None:
        metrics.STREAMS.inc()
        try:
            await feed.open()
            while not feed.is_ended:
                for event in await feed.take():
                    await self.send(orjson.dumps(event).decode())
            await self.close(ENDED)
        except DatabaseError as error:
            closing.note("database", error=str(error).strip())
            await self.close(UNAVAILABLE)
        finally:
            metrics.STREAMS.dec()
            await feed.close()
