"""Prices to one user over a WebSocket: the events of the server-sent stream, one per message."""

import asyncio
import contextlib
from typing import Any

import orjson
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseError

from live import closing
from live.limits import connections
from live.reads import read
from venues.gateway import metrics
from venues.gateway.connections import find
from venues.gateway.http.stream import since_of
from venues.gateway.pricefeed import PriceFeed

logger = structlog.get_logger(__name__)

ENDED = 1001
UNAVAILABLE = 1011


class PriceConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types
    """Sends only; `?since=btc_usd:17` resumes."""

    _sending: asyncio.Task[None] | None = None
    _address: str | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()  # servers may raise after a client disconnected

    async def connect(self) -> None:
        address = (self.scope.get("client") or ["unknown"])[0]
        if not connections.enter(address, settings.STREAM_CONNECTIONS_PER_ADDRESS):
            closing.note("connections", client=address)
            await self.close()  # before the handshake: HTTP 403
            return
        self._address = address
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
        self._leave()

    def _leave(self) -> None:
        """Stop sending, and make room for another connection of the address."""
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.cancel()
        address, self._address = self._address, None
        if address is not None:
            connections.leave(address)

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
        except OSError:
            return  # the client disconnected
        except Exception:  # an error of ours: the client must not wait for ever
            logger.exception("stream of prices failed")
            with contextlib.suppress(OSError, RuntimeError):  # already disconnected
                await self.close(UNAVAILABLE)
        finally:
            metrics.STREAMS.dec()
            await feed.close()
