"""A topic of an image in this process: subscribers get a snapshot, then its deltas.

The image is read from the database once, for all subscribers, and then changed by publications.
After a hole it is read again, and everybody gets a new snapshot.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextvars import Context
from typing import Any, Final, Literal, Protocol

import orjson
import structlog
from django.db import Error as DatabaseError

from live import cutting, metrics
from live.frames import Publication
from live.images import Content, Image, Images, Part
from live.reads import read
from live.ring import Ring
from live.tape import BEHIND_S, MOST_WAITING, RETRY_S, FanOut
from live.topics import key_of

logger = structlog.get_logger(__name__)

KEPT_SEQS: Final = 1_000
KEPT_BYTES: Final = 262_144
"""Deltas that a subscriber gets if they were published while it received the snapshot."""


class Panel:
    """The subscribers of one topic, what they were sent last, and what new ones are sent."""

    _part: Part

    def __init__(self, topic: str, fan_out: FanOut) -> None:
        self.topic = topic
        self.end = 0
        """The seq of the last frame."""
        self.subscribers: set[Any] = set()
        self._fan_out = fan_out
        self._recent = Ring(KEPT_SEQS, KEPT_BYTES)
        self._snapshot: Publication | None = None

    def after(self, since: int | None) -> list[Publication]:
        """Return the deltas that follow `since`, or a snapshot if they are not kept."""
        if since == self.end:
            return []
        found = None if since is None else self._recent.after(since)
        return [self.snapshot()] if found is None else found

    def snapshot(self) -> Publication:
        """Return everything that the topic shows, encoded once for all who ask."""
        if self._snapshot is None:
            frame = framed(self.topic, "snapshot", self.end, 0, self._part.content())
            self._snapshot = cutting.made(frame, self.end, self.end)
        return self._snapshot

    def show(self, part: Part, seq: int) -> None:
        """Show another image from now on; send it to all subscribers."""
        self._part, self.end = part, seq
        self._recent.clear()
        self._snapshot = None
        if self.subscribers:
            self._fan_out(self.subscribers, self.snapshot())

    def send(self, delta: Publication) -> None:
        """Send a delta that follows `end`."""
        self.end = delta["last_seq"]
        self._snapshot = None
        self._recent.append(delta)
        self._fan_out(self.subscribers, delta)


class Follower(Protocol):
    """What shows a part of a board's image, in messages of its own."""

    def replace(self, image: Image, seq: int) -> None:
        """Show another image from now on."""

    def extend(self, delta: Mapping[str, Any], seq: int, committed_at: float) -> None:
        """Note a delta, which the image contains already."""


class Slice(Panel):
    """A topic that shows a part of a board's image; its deltas are derived once for all."""

    def __init__(self, topic: str, whole: str, fan_out: FanOut) -> None:
        super().__init__(topic, fan_out)
        self.whole = whole
        """The topic of the board."""
        self._board: Board | None = None

    def open(self, board: "Board") -> None:
        """Follow an opened board."""
        self._board = board
        board.slices.add(self)
        self.replace(board.image, board.end)

    def close(self) -> None:
        if self._board is not None:
            self._board.slices.discard(self)

    def replace(self, image: Image, seq: int) -> None:
        self.show(image.part(key_of(self.topic)), seq)

    def extend(self, delta: Mapping[str, Any], seq: int, committed_at: float) -> None:
        """Send what a delta, which the image contains, changed in this part."""
        if (changes := self._part.changes(delta)) is not None:
            frame = framed(self.topic, "delta", seq, self.end, changes)
            self.send(cutting.made(frame, self.end + 1, seq, committed_at))


class Board(Panel):
    """The topic of a whole image, and the image itself."""

    image: Image

    def __init__(self, topic: str, images: Images, fan_out: FanOut) -> None:
        super().__init__(topic, fan_out)
        self.slices: set[Follower] = set()
        self._images = images
        self._waiting: deque[Publication] = deque(maxlen=MOST_WAITING)
        self._published = 0
        self._is_open = False
        self._repairing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read the image; raise DatabaseError."""
        await self._read()
        self._is_open = True
        self._drain()

    def close(self) -> None:
        if self._repairing is not None:
            self._repairing.cancel()

    def receive(self, publication: Publication) -> None:
        """Accept a delta from the channel layer."""
        self._waiting.append(publication)
        if self._is_open and self._repairing is None:
            self._drain()

    def check(self, due: int, seen_end: int, stored_end: int) -> None:
        """Compare with the database, as `live.tape.Tape.check`."""
        if self._is_open and (due > self.end or stored_end < seen_end):
            self._repair()

    def _drain(self) -> None:
        """Apply the waiting deltas up to the first hole."""
        while self._waiting:
            publication = self._waiting[0]
            first, last = publication["first_seq"], publication["last_seq"]
            if first > self.end + 1 or first <= self._published:  # a hole; seqs that went back
                self._repair()
                return
            self._waiting.popleft()
            self._published = last
            if last > self.end:
                self._apply(publication)

    def _apply(self, publication: Publication) -> None:
        """Change the image; send the delta to the subscribers of the whole and of its parts."""
        delta = orjson.loads(publication["text"])
        seq, committed_at = publication["last_seq"], publication["committed_at"]
        self.image.apply(delta)
        if publication["first_seq"] <= self.end:  # the database had a part of it
            delta["prev_seq"] = self.end
            publication = cutting.made(delta, self.end + 1, seq, committed_at)
        self.send(publication)
        for part in tuple(self.slices):
            part.extend(delta, seq, committed_at)

    def _repair(self) -> None:
        if self._repairing is None:
            metrics.HOLES.inc()
            self._repairing = asyncio.create_task(self._fill(), context=Context())

    async def _fill(self) -> None:
        """Read the image until it reaches what was published."""
        while True:
            try:
                await self._read()
            except DatabaseError as error:
                logger.warning("image not read", topic=self.topic, error=str(error).strip())
                await asyncio.sleep(RETRY_S)
                continue
            self._skip_known()
            if not self._waiting or self._waiting[0]["first_seq"] <= self.end + 1:
                break
            await asyncio.sleep(BEHIND_S)
        self._repairing = None
        self._drain()

    def _skip_known(self) -> None:
        """Drop the waiting deltas that the image contains, also those whose seqs went back."""
        while self._waiting and self._waiting[0]["last_seq"] <= self.end:
            self._published = self._waiting.popleft()["last_seq"]
        self._published = min(self._published, self.end)

    async def _read(self) -> None:
        key = key_of(self.topic)
        self.image = await read(self._images.read, key)
        metrics.READS.inc()
        self.show(self.image.part(key), self.image.seq)
        for part in tuple(self.slices):
            part.replace(self.image, self.end)


def framed(
    topic: str, kind: Literal["snapshot", "delta"], seq: int, prev_seq: int, content: Content
) -> dict[str, Any]:
    """Return a frame of an image; a snapshot follows nothing: its prev_seq is 0."""
    return {"topic": topic, "type": kind, "seq": seq, "prev_seq": prev_seq, **content}
