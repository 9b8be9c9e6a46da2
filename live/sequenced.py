"""Stored streams, which make a kind of topic resumable. Pure; the apps register theirs.

They are called in the thread of live.reads, not on the event loop.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from live.frames import Frame


class Missed(NamedTuple):
    """What a subscriber missed: gap, reset and row frames, and their last seq."""

    frames: list[Frame]
    last_seq: int


class Sequenced(Protocol):
    """The stored streams of one kind of topic. A symbol is what follows the kind in a topic."""

    def ends(self, symbols: Iterable[str]) -> dict[str, int]:
        """Return the last seq of each stream (0: it is empty)."""

    def missed(self, symbol: str, since: int | None, limit: int) -> Missed:
        """Return what came after `since` (None: what a new subscriber starts with).

        At most `limit` rows, the newest; a gap frame names those before them. A reset frame where
        the stream ends before `since`.
        """


_registered: dict[str, Sequenced] = {}


def register(name: str, streams: Sequenced) -> None:
    """Make topics resumable whose name is not that of a kind of record, e.g. "footprint"."""
    _registered[name] = streams


def registered(name: str) -> Sequenced | None:
    return _registered.get(name)
