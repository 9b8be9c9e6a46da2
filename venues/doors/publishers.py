"""Topics of the door in this process: each message is made and encoded once for all sockets.

A publisher follows topics of the hub, as a client of the stream does, and turns what they bring
into messages of the venue.
"""

import asyncio
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import Context
from typing import Any, Final, Protocol

import structlog

from live.cutting import made
from live.frames import Publication
from live.hub import current_hub, fan_out, note_error
from live.tape import Tape
from live.watch import Topic
from venues.doors.closebooks import CloseBooks

logger = structlog.get_logger(__name__)


class Subscriber(Protocol):
    """A socket."""

    def deliver(self, publication: Publication) -> None:
        """Send a message without waiting."""

    def fail(self) -> None:
        """Disconnect after an error of ours."""


class Publisher(ABC):
    """One topic of the venue and its subscribers."""

    def __init__(self, name: str) -> None:
        self.name = name
        """The topic as clients write it."""
        self.subscribers: set[Any] = set()
        self._hub = current_hub()
        self._followed: list[str] = []

    @abstractmethod
    async def open(self) -> None:
        """Follow the hub's topics; raise DatabaseError."""

    async def close(self) -> None:
        """Leave the hub's topics."""
        followed, self._followed = self._followed, []
        for name in followed:
            await self._hub.leave(name, self)

    def first(self) -> Iterable[Publication]:
        """Return the messages that a new subscriber starts with."""
        return ()

    def send(self, message: Any) -> Publication:
        """Send a message to all subscribers."""
        publication = made(message, 0, 0, topic=self.name)
        fan_out(self.subscribers, publication)
        return publication

    def deliver(self, publication: Publication) -> None:
        """Accept a publication of a topic of the hub."""
        raise TypeError(f"{self.name} follows no topic of rows")

    def fail(self) -> None:
        """Disconnect all subscribers, after an error of ours that the hub has logged."""
        for subscriber in tuple(self.subscribers):
            subscriber.fail()

    async def follow(self, name: str) -> Topic:
        """Follow a topic of the hub from its present end; raise DatabaseError."""
        self._hub.follow(name)
        self._followed.append(name)
        topic = await self._hub.opened(name)
        topic.subscribers.add(self)
        return topic

    async def follow_newest(self, name: str) -> None:
        """Follow a topic of rows, beginning with its newest row; raise DatabaseError."""
        tape = await self.follow(name)
        if isinstance(tape, Tape):
            newest = tape.after(None)
            for publication in await tape.load(None) if newest is None else newest:
                self.deliver(publication)


class SilentTopic(Publisher):
    """A topic that clients may follow, on which nothing happens."""

    async def open(self) -> None:
        """Follow nothing."""


Make = Callable[[], Publisher]


class _Open:
    """A publisher in use, the number of its subscribers and the task that opens it."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.users = 0
        self.opening = asyncio.create_task(publisher.open(), context=Context())
        self.opening.add_done_callback(note_error)


class Publishers:
    """The topics of the door that sockets of this event loop follow."""

    def __init__(self) -> None:
        self.close_books = CloseBooks()
        self._open: dict[str, _Open] = {}

    def __len__(self) -> int:
        return len(self._open)

    async def open(self, key: str, make: Make) -> None:
        """Use a topic, which is ready when this returns; raise DatabaseError.

        `key` names the topic in this process; `make` makes its publisher, if nobody uses it.
        """
        if key not in self._open:
            self._open[key] = _Open(make())
        used = self._open[key]
        used.users += 1
        try:
            await asyncio.shield(used.opening)
        except BaseException:
            await self._release(key, used)
            raise

    def join(self, key: str, subscriber: Subscriber) -> None:
        """Send a subscriber what an open topic starts with, and from now on everything."""
        publisher = self._open[key].publisher
        for publication in publisher.first():
            subscriber.deliver(publication)
        publisher.subscribers.add(subscriber)

    async def leave(self, key: str, subscriber: Subscriber) -> None:
        """Stop using a topic, which the subscriber has opened and may have joined."""
        used = self._open[key]
        used.publisher.subscribers.discard(subscriber)
        await self._release(key, used)

    async def _release(self, key: str, used: _Open) -> None:
        used.users -= 1
        if used.users == 0:
            if self._open.get(key) is used:
                del self._open[key]
            await used.publisher.close()


Topics = Mapping[str, tuple[str, Make]]
"""By the name of a topic: its key in this process, and what makes its publisher."""


class Following:
    """The topics that one socket follows."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self._publishers = current_publishers()
        self._keys: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    async def open(self, topics: Topics) -> None:
        """Open topics; raise DatabaseError. What happens from now on is sent after `join`."""
        opened: list[str] = []
        try:
            for key, make in topics.values():
                await self._publishers.open(key, make)
                opened.append(key)
        except BaseException:
            for key in opened:
                await self._publishers.leave(key, self._subscriber)
            raise

    def join(self, topics: Topics) -> None:
        """Send what opened topics start with, and from now on everything."""
        for name, (key, _) in topics.items():
            self._keys[name] = key
            self._publishers.join(key, self._subscriber)

    async def leave(self, name: str) -> None:
        """Stop following a topic, if it is followed."""
        if (key := self._keys.pop(name, None)) is not None:
            await self._publishers.leave(key, self._subscriber)

    async def leave_all(self) -> None:
        for name in tuple(self._keys):
            await self.leave(name)


class Pace:
    """Calls `push` soon after `touch`, but never more often than once per interval."""

    def __init__(self, interval_s: float, push: Callable[[], None]) -> None:
        self._interval_s = interval_s
        self._push = push
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def touch(self) -> None:
        """Note that there is something to push."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next_at:
            self._run()
        else:
            self._timer = loop.call_at(self._next_at, self._run)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        self._timer = None
        self._next_at = asyncio.get_running_loop().time() + self._interval_s
        self._push()


_all: "Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Publishers]]" = (
    weakref.WeakKeyDictionary()
)


def current_publishers() -> Publishers:
    """Return the publishers of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _all:
        _all[loop] = Publishers()
    return _all[loop]
