"""A topic without seqs in this process: its newest publication and its subscribers."""

from collections.abc import Callable
from typing import Any, Final

from live.drivers import states
from live.frames import Publication, status_publication
from live.reads import read
from live.tape import FanOut
from live.topics import key_of


class Bulletin:
    """Sends each publication to the subscribers of that moment; none is repeated."""

    def __init__(self, topic: str, fan_out: FanOut) -> None:
        self.topic = topic
        self.subscribers: set[Any] = set()
        self._fan_out = fan_out

    async def open(self) -> None:
        """Do nothing: there is nothing to read."""

    def close(self) -> None:
        """Do nothing: there is no task to cancel."""

    def receive(self, publication: Publication) -> None:
        self._fan_out(self.subscribers, publication)

    def first(self) -> Publication | None:
        """Return the publication that a new subscriber starts with."""
        return None


Load = Callable[[str], Publication]
"""Read the present state of a key, with its version (in a thread with the database)."""
_loads: Final[dict[str, Load]] = {}


def register(name: str, load: Load) -> None:
    """Make topics whose publications each replace the one before, e.g. a balance."""
    _loads[name] = load


def load_of(topic: str) -> Load | None:
    return _loads.get(topic.partition(".")[0])


class Present(Bulletin):
    """A state of which each publication is the whole: new subscribers start with the newest.

    Publications have versions, so that an old one that arrives after a newer read is dropped.
    """

    def __init__(self, topic: str, fan_out: FanOut, load: Load) -> None:
        super().__init__(topic, fan_out)
        self._load = load
        self._newest: Publication | None = None

    async def open(self) -> None:
        """Read the state; raise DatabaseError."""
        self.receive(await read(self._load, key_of(self.topic)))

    def receive(self, publication: Publication) -> None:
        if self._newest is None or publication["version"] > self._newest["version"]:
            self._newest = publication
            super().receive(publication)

    def first(self) -> Publication | None:
        return self._newest


class Status(Bulletin):
    """The state of an instrument: new subscribers start with the newest."""

    def __init__(self, topic: str, fan_out: FanOut, is_stale: Callable[[], bool]) -> None:
        super().__init__(topic, fan_out)
        self._is_stale = is_stale
        self._newest: Publication | None = None

    async def open(self) -> None:
        """Read the state; raise DatabaseError."""
        symbol = key_of(self.topic)
        state = (await read(states, [symbol])).get(symbol, "stopped")
        if self._newest is None:  # nothing was published meanwhile
            self._newest = status_publication(self.topic, "stale" if self._is_stale() else state)

    def receive(self, publication: Publication) -> None:
        """Accept a state; do not repeat one that subscribers have."""
        if self._newest is None or self._newest["text"] != publication["text"]:
            self._newest = publication
            super().receive(publication)

    def first(self) -> Publication | None:
        return self._newest
