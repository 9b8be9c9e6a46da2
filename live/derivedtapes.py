"""Topics with seqs whose frames each web process derives from another topic with seqs.

Nothing is published on them. The apps register theirs: rows that are stored, and resumed, as on any
tape, and between them the present state of what is still open.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Final

from live.frames import Publication
from live.sequenced import Sequenced
from live.tape import FanOut, Tape


class DerivedTape(Tape):
    """A tape that follows another one as a subscriber (live.hub.Subscriber)."""

    def __init__(self, topic: str, streams: Sequenced, fan_out: FanOut, whole: str) -> None:
        """`whole`: the topic to follow."""
        super().__init__(topic, streams, fan_out)
        self.whole = whole
        self._source: Tape | None = None

    async def follow(self, source: Tape) -> None:
        """Begin to follow an open tape; raise DatabaseError."""
        self._source = source
        source.subscribers.add(self)
        await self.open()

    def close(self) -> None:
        if self._source is not None:
            self._source.subscribers.discard(self)
        super().close()

    @abstractmethod
    def deliver(self, publication: Publication) -> None:
        """Accept a publication of the tape that it follows."""

    @abstractmethod
    def present(self) -> Publication | None:
        """Return the present state, which a new subscriber gets after the stored rows."""

    def fail(self) -> None:
        """Continue after an error of ours: the tape that it follows dropped this one."""
        if self._source is not None:
            self._source.subscribers.add(self)


Make = Callable[[str, FanOut], DerivedTape]
"""Make the tape of a topic."""
_registered: Final[dict[str, Make]] = {}


def register(name: str, make: Make) -> None:
    """Make the topics of this name, whose streams are registered (live.sequenced), derived ones."""
    _registered[name] = make


def make_of(topic: str) -> Make | None:
    return _registered.get(topic.partition(".")[0])
