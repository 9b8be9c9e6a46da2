"""The membership of this process in the channel layer: one channel, one group per topic in use."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

import structlog
from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer

from live import metrics
from web.rediserrors import redis_error

logger = structlog.get_logger(__name__)

LAYER_S = 2.0
"""A layer that takes longer counts as unavailable: one that hangs raises nothing."""
ECHO = {"type": "echo"}
AT_ONCE = 100
"""Messages taken before other tasks of the event loop run."""


def layer_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of an unavailable channel layer; TimeoutError is an OSError."""
    return OSError, ChannelFull, redis_error()


class Membership:
    """Joins topics and receives. While the layer is unavailable, joins are deferred."""

    def __init__(self, receive: Callable[[Any], None]) -> None:
        """`receive` takes each message; it must not wait."""
        self.is_unavailable = False
        self._layer = get_channel_layer()
        self._receive = receive
        self._channel = ""
        self._wanted: set[str] = set()
        self._joined: set[str] = set()
        self._asking = asyncio.Lock()
        self._heard = asyncio.Event()
        self._receiving: asyncio.Task[None] | None = None

    async def join(self, topic: str) -> None:
        """Receive the publications of `topic`, from now on or once the layer is available again."""
        self._wanted.add(topic)
        if topic not in self._joined:
            await self._settle()

    async def leave(self, topic: str) -> None:
        self._wanted.discard(topic)
        await self._settle()

    async def check(self) -> None:
        """Check that the layer delivers to us; join all topics again after an outage."""
        async with self._asking:
            answered = await self._ask(self._begin() if self.is_unavailable else self._echo())
            if answered and self.is_unavailable:
                logger.warning("channel layer available again")
                self.is_unavailable = False

    async def _settle(self) -> None:
        if not self.is_unavailable:
            async with self._asking:
                await self._ask(self._match() if self._channel else self._begin())

    async def _ask(self, asking: Coroutine[Any, Any, None]) -> bool:
        """Await `asking`; return whether the layer answered in time."""
        try:
            async with asyncio.timeout(LAYER_S):
                await asking
        except layer_errors() as error:
            metrics.LAYER_ERRORS.labels("hub").inc()
            if not self.is_unavailable:
                logger.warning("channel layer unavailable", error=repr(error))
            self.is_unavailable = True
            return False
        return True

    async def _begin(self) -> None:
        """Start with a new channel; drop connections from before an outage."""
        if self._receiving is not None:
            await self._layer.flush()
            self._receiving.cancel()
        self._joined.clear()
        self._channel = await self._layer.new_channel("hub")
        receiving = self._receive_all(self._channel)
        self._receiving = asyncio.create_task(receiving, context=Context())
        await self._echo()
        await self._match()

    async def _match(self) -> None:
        """Join the groups of the wanted topics and leave all others, until both sets are equal."""
        while self._joined != self._wanted:
            for topic in self._wanted - self._joined:
                await self._layer.group_add(topic, self._channel)
                self._joined.add(topic)
            for topic in self._joined - self._wanted:
                await self._layer.group_discard(topic, self._channel)
                self._joined.remove(topic)

    async def _echo(self) -> None:
        self._heard.clear()
        await self._layer.send(self._channel, ECHO)
        await self._heard.wait()

    async def _receive_all(self, channel: str) -> None:
        for number in itertools.count(1):
            message = await self._layer.receive(channel)
            self._heard.set()
            if message["type"] != ECHO["type"]:
                self._receive(message)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
