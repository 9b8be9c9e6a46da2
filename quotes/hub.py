"""The hub: one per web process, the only thing that fans out.

One channel per process, one group per topic in use; each publication, encoded by the recorder,
is handed as it is to every subscriber of its topic. No subscriber makes another wait.
"""

import asyncio
import time
import weakref
from typing import Protocol

import structlog
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from quotes import metrics
from quotes.frames import Publication

logger = structlog.get_logger(__name__)

RETRY_S = 0.5
AWAY = (OSError, RedisError)
"""What a channel layer raises that cannot be reached."""


class Subscriber(Protocol):
    def deliver(self, publication: Publication) -> None:
        """Take one publication of a topic that was subscribed to; never wait."""


class Hub:
    """Topics in use and their subscribers, on one event loop."""

    def __init__(self) -> None:
        self._layer = get_channel_layer()
        self._subscribers: dict[str, set[Subscriber]] = {}
        self._channel = ""
        self._receiving: asyncio.Task[None] | None = None
        self._joining = asyncio.Lock()

    async def subscribe(self, topic: str, subscriber: Subscriber) -> None:
        async with self._joining:
            if not self._receiving:
                self._channel = await self._layer.new_channel("hub")
                self._receiving = asyncio.create_task(self._receive())
            if topic not in self._subscribers:
                await self._layer.group_add(topic, self._channel)
            self._subscribers.setdefault(topic, set()).add(subscriber)
            metrics.TOPICS.set(len(self._subscribers))

    async def unsubscribe(self, topic: str, subscriber: Subscriber) -> None:
        async with self._joining:
            subscribers = self._subscribers.get(topic, set())
            subscribers.discard(subscriber)
            if not subscribers and self._subscribers.pop(topic, None) is not None:
                metrics.TOPICS.set(len(self._subscribers))
                try:
                    await self._layer.group_discard(topic, self._channel)
                except AWAY as error:
                    logger.warning("topic left without telling", topic=topic, error=str(error))

    async def _receive(self) -> None:
        while True:
            try:
                publication = await self._layer.receive(self._channel)
            except AWAY as error:
                metrics.LAYER_ERRORS.labels("hub").inc()
                logger.warning("channel layer away", error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                self._fan_out(publication)
                await asyncio.sleep(0)  # sockets read and write between two publications

    def _fan_out(self, publication: Publication) -> None:
        subscribers = tuple(self._subscribers.get(publication["topic"], ()))
        for subscriber in subscribers:
            try:
                subscriber.deliver(publication)
            except Exception as error:  # a socket that is gone must not hurt the others
                logger.info("subscriber dropped", error=repr(error))
                self._subscribers[publication["topic"]].discard(subscriber)
        metrics.FRAMES.inc(len(subscribers))
        metrics.SEND_SECONDS.observe(max(0.0, time.time() - publication["committed_at"]))


_hubs: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = weakref.WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
