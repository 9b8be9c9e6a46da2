"""The hub: one per web process, the only module that fans out.

It has one channel per process and one group per topic in use, and passes each publication,
encoded by the recorder, unchanged to every subscriber of its topic. Subscribers never wait for
each other.
"""

import asyncio
import time
import weakref
from contextvars import Context
from typing import Protocol

import structlog

from live import metrics
from live.backlog import Backlog
from live.batches import Batches
from live.bulletin import Bulletin, Present, Status, load_of
from live.frames import Publication
from live.membership import Membership
from live.streams import streams_of
from live.symbols import Symbols
from live.tape import Tape
from live.watch import Watch

logger = structlog.get_logger(__name__)


class Subscriber(Protocol):
    def deliver(self, publication: Publication) -> None:
        """Accept a publication of a joined topic, without waiting."""

    def fail(self) -> None:
        """Disconnect this client after an error of ours."""


class Followed:
    """A topic in use, the number of its followers and the task that opens it."""

    def __init__(self, topic: Tape | Bulletin, opening: asyncio.Task[None]) -> None:
        self.topic = topic
        self.opening = opening
        self.followers = 0


class Hub:
    """Topics in use and their subscribers, on one event loop."""

    def __init__(self) -> None:
        self.batches = Batches()
        self.symbols = Symbols()
        self._followed: dict[str, Followed] = {}
        self._inbox = Backlog()
        self._arrived = asyncio.Event()
        self._membership = Membership(self._receive)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_unavailable(self) -> bool:
        """Whether the channel layer is unavailable."""
        return self._membership.is_unavailable

    @property
    def topics(self) -> list[Tape | Bulletin]:
        """The topics in use."""
        return [followed.topic for followed in self._followed.values()]

    def follow(self, name: str) -> None:
        """Use a topic; `opened` waits until it is ready."""
        if name not in self._followed:
            topic = self._make(name)
            opening = asyncio.create_task(self._open(topic), context=Context())
            opening.add_done_callback(note_error)
            self._followed[name] = Followed(topic, opening)
            metrics.TOPICS.set(len(self._followed))
        self._followed[name].followers += 1
        self._run()

    async def opened(self, name: str) -> Tape | Bulletin:
        """Return a followed topic that receives and knows its end; raise DatabaseError."""
        followed = self._followed[name]
        await asyncio.shield(followed.opening)
        return followed.topic

    async def leave(self, name: str, subscriber: Subscriber) -> None:
        followed = self._followed[name]
        followed.topic.subscribers.discard(subscriber)
        followed.followers -= 1
        if followed.followers == 0:
            del self._followed[name]
            followed.topic.close()
            metrics.TOPICS.set(len(self._followed))
            await self._membership.leave(name)

    def _make(self, name: str) -> Tape | Bulletin:
        if streams := streams_of(name):
            return Tape(name, streams, fan_out)
        if name.startswith("status."):
            return Status(name, fan_out, lambda: self.is_unavailable)
        if load := load_of(name):
            return Present(name, fan_out, load)
        return Bulletin(name, fan_out)

    async def _open(self, topic: Tape | Bulletin) -> None:
        """Join the group first, then read: publications in between are not lost."""
        if topic.topic in self._followed:  # not left in the meantime
            await self._membership.join(topic.topic)
            await topic.open()

    def _run(self) -> None:
        if not self._tasks:
            watch = Watch(self._membership, self)
            for running in (watch.run(), self._deliver_all()):
                self._tasks.append(asyncio.create_task(running, context=Context()))

    def _receive(self, publication: Publication) -> None:
        """Accept a publication from the channel layer."""
        if publication["topic"] in self._followed:
            self._inbox.add(publication)
            self._arrived.set()

    async def _deliver_all(self) -> None:
        """Deliver publications topic by topic; merge those that arrive meanwhile."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            dropped = self._inbox.dropped
            for publication in self._inbox.take():
                self._deliver(publication)
                await asyncio.sleep(0)  # let sockets read and write
            metrics.DROPPED.labels("hub").inc(self._inbox.dropped - dropped)

    def _deliver(self, publication: Publication) -> None:
        if (followed := self._followed.get(publication["topic"])) is None:
            return
        self.batches.more()
        followed.topic.receive(publication)
        metrics.SEND_SECONDS.observe(max(0.0, time.time() - publication["committed_at"]))


def fan_out(subscribers: set[Subscriber], publication: Publication) -> None:
    """Deliver a publication to all subscribers; disconnect one that raises."""
    for subscriber in tuple(subscribers):
        try:
            subscriber.deliver(publication)
        except Exception:  # of one subscriber: the others get theirs
            logger.exception("delivery failed", topic=publication["topic"])
            subscribers.discard(subscriber)
            subscriber.fail()
    metrics.FRAMES.inc(len(subscribers))


def note_error(opening: asyncio.Task[None]) -> None:
    """Mark an error as retrieved: `opened` raises it."""
    if not opening.cancelled():
        opening.exception()


_hubs: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = weakref.WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
