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
from live.batchclock import BatchClock
from live.boards import Board, Slice
from live.bulletin import Bulletin, Present, Status, load_of
from live.derivedtapes import DerivedTape, make_of
from live.frames import Publication
from live.images import images_of
from live.membership import Membership
from live.streams import streams_of
from live.symbols import Symbols
from live.tape import Tape
from live.topics import key_of
from live.watch import Topic, Watch

logger = structlog.get_logger(__name__)


class Subscriber(Protocol):
    def deliver(self, publication: Publication) -> None:
        """Accept a publication of a joined topic, without waiting."""

    def fail(self) -> None:
        """Disconnect this client after an error of ours."""


class Followed:
    """A topic in use, the number of its followers and the task that opens it."""

    def __init__(self, topic: Topic, opening: asyncio.Task[None]) -> None:
        self.topic = topic
        self.opening = opening
        self.followers = 0


class Hub:
    """Topics in use and their subscribers, on one event loop."""

    def __init__(self) -> None:
        self.batches = BatchClock()
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
    def topics(self) -> list[Topic]:
        """The topics in use."""
        return [followed.topic for followed in self._followed.values()]

    def follow(self, name: str) -> None:
        """Use a topic; `opened` waits until it is ready."""
        if name not in self._followed:
            topic = self._make(name)
            if isinstance(topic, Slice | DerivedTape):
                self.follow(topic.whole)
            opening = asyncio.create_task(self._open(topic), context=Context())
            opening.add_done_callback(note_error)
            self._followed[name] = Followed(topic, opening)
            metrics.TOPICS.set(len(self._followed))
        self._followed[name].followers += 1
        self._run()

    async def opened(self, name: str) -> Topic:
        """Return a followed topic that receives and knows its end; raise DatabaseError."""
        followed = self._followed[name]
        await asyncio.shield(followed.opening)
        return followed.topic

    async def leave(self, name: str, subscriber: Subscriber) -> None:
        self._followed[name].topic.subscribers.discard(subscriber)
        await self._release(name)

    async def _release(self, name: str) -> None:
        """Stop using a topic that a client or a slice followed."""
        followed = self._followed[name]
        followed.followers -= 1
        if followed.followers == 0:
            del self._followed[name]
            followed.topic.close()
            metrics.TOPICS.set(len(self._followed))
            if isinstance(followed.topic, Slice | DerivedTape):
                await self._release(followed.topic.whole)
            else:
                await self._membership.leave(name)

    def _make(self, name: str) -> Topic:
        if make := make_of(name):
            return make(name, fan_out)
        if streams := streams_of(name):
            return Tape(name, streams, fan_out)
        if name.startswith("status."):
            return Status(name, fan_out, lambda: self.is_unavailable)
        if load := load_of(name):
            return Present(name, fan_out, load)
        if images := images_of(name):
            kind = name.partition(".")[0]
            whole = f"{kind}.{images.whole(key_of(name))}"
            return Board(name, images, fan_out) if name == whole else Slice(name, whole, fan_out)
        return Bulletin(name, fan_out)

    async def _open(self, topic: Topic) -> None:
        """Join the group first, then read: publications in between are not lost."""
        if topic.topic not in self._followed:
            return  # left in the meantime
        if isinstance(topic, Slice):
            board = await self.opened(topic.whole)
            if isinstance(board, Board):
                topic.open(board)
        elif isinstance(topic, DerivedTape):
            tape = await self.opened(topic.whole)
            if isinstance(tape, Tape):
                await topic.follow(tape)
        else:
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
        followed = self._followed.get(publication["topic"])
        if followed is None or isinstance(followed.topic, Slice | DerivedTape):
            return  # left in the meantime; nothing is published on derived topics
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
