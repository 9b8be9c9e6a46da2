"""States that change by deltas, which clients follow as topics, e.g. an order book. Pure.

The apps register theirs. A topic may show a part of an image, e.g. the best ten levels of a book:
the deltas of the whole are published, those of parts are derived in each web process.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

Content = dict[str, Any]
"""The fields of a frame beside topic, type, seq and prev_seq."""


class Part(Protocol):
    """What one topic shows of an image."""

    def content(self) -> Content:
        """Return everything it shows now."""

    def changes(self, delta: Mapping[str, Any]) -> Content | None:
        """Return what changed with the last delta of the image; None if nothing did."""


class Image(Protocol):
    """A state; `seq` is that of the record that changed it last, 0 if there is none."""

    seq: int

    def apply(self, delta: Mapping[str, Any]) -> None:
        """Apply a published delta, which may contain changes that were applied before."""

    def part(self, key: str) -> Part:
        """Return what the topic with this key shows."""


class Images(Protocol):
    """The images of one kind of topic, by the keys of their topics (what follows the kind)."""

    def whole(self, key: str) -> str:
        """Return the key of the topic that shows the whole image, e.g. ES for ES.10."""

    def ends(self, keys: Iterable[str]) -> dict[str, int]:
        """Return the last seq stored for each whole (0: there is none)."""

    def read(self, key: str) -> Image:
        """Return the image of a whole as stored; called in the thread of live.reads."""


_registered: dict[str, Images] = {}


def register(name: str, images: Images) -> None:
    """Make the topics of this name, which is not that of a kind of record, topics of images."""
    _registered[name] = images


def images_of(topic: str) -> Images | None:
    """Return the images of this kind of topic; None where it has none."""
    return _registered.get(topic.partition(".")[0])
