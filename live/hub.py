"""The hub: one per web process, the only thing that fans out.

One channel per process, one group per topic in use; each publication, encoded by the recorder,
is handed as it is to every subscriber of its topic. No subscriber makes another wait.
"""

import asyncio
import time
import weakref
from contextvars import Context
from typing import Protocol

import structlog

from live import metrics
from live.batches import Batches
from live.frames import Publication
from live.membership import Membership
from live.watch import Watch

logger = structlog.get_logger(__name__)


class Subscriber(Protocol):
    def deliver(self, publication: Publication) -> None:
        """Take one publication of a topic that was subscribed to; never wait."""


class Hub:
    """Topics in use and their subscribers, on one event loop."""

    def __init__(self) -> None:
        self.batches = Batches()
        self._subscribers: dict[str, set[Subscriber]] = {}
        self._newest: dict[str, Publication | None] = {}
        self._membership = Membership(self._fan_out)
        self._watching: asyncio.Task[None] | None = None

    @property
    def is_away(self) -> bool:
        """Whether the channel layer brings nothing now."""
        return self._membership.is_away

    async def subscribe(self, topic: str, subscriber: Subscriber) -> None:
        if topic not in self._subscribers:
            self._subscribers[topic] = set()
            self._newest[topic] = None
            metrics.TOPICS.set(len(self._subscribers))
        self._subscribers[topic].add(subscriber)
        await self._membership.join(topic)
        if self._watching is None:
            watch = Watch(self._membership, self._newest, self._fan_out)
            self._watching = asyncio.create_task(watch.run(), context=Context())

    async def unsubscribe(self, topic: str, subscriber: Subscriber) -> None:
        subscribers = self._subscribers.get(topic, set())
        subscribers.discard(subscriber)
        if not subscribers and self._subscribers.pop(topic, None) is not None:
            del self._newest[topic]
            metrics.TOPICS.set(len(self._subscribers))
            await self._membership.leave(topic)

    def _fan_out(self, publication: Publication) -> None:
        topic = publication["topic"]
        if topic not in self._subscribers:
            return
        self._newest[topic] = publication
        self.batches.more()
        subscribers = tuple(self._subscribers[topic])
        for subscriber in subscribers:
            try:
                subscriber.deliver(publication)
            except Exception as error:  # a socket that is gone must not hurt the others
                logger.info("subscriber dropped", error=repr(error))
                self._subscribers[topic].discard(subscriber)
        metrics.FRAMES.inc(len(subscribers))
        metrics.SEND_SECONDS.observe(max(0.0, time.time() - publication["committed_at"]))


_hubs: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = weakref.WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
