"""A topic with seqs in this process: its recent rows, its live end and the repair of holes.

A tape reads the database once for all subscribers. A subscriber that has everything up to `end`
joins `subscribers`; from then on it gets each publication unchanged.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any

import structlog
from django.db import Error as DatabaseError

from live import cutting, metrics
from live.frames import REPLAY_ROWS, Frame, Publication
from live.reads import read
from live.ring import Ring
from live.sequenced import Sequenced
from live.topics import key_of, shown

logger = structlog.get_logger(__name__)

RETRY_S = 1.0
BEHIND_S = 0.02
"""Pause before reading again from a database that lags behind the publications."""
MOST_WAITING = 1000
"""Publications kept during a repair; older ones are read from the database."""
FanOut = Callable[[set[Any], Publication], None]


class Tape:
    """One sequenced topic: everything before `end` has been sent to all subscribers."""

    def __init__(self, topic: str, streams: Sequenced, fan_out: FanOut) -> None:
        self.topic = topic
        self.end = 0
        self.subscribers: set[Any] = set()
        self._streams = streams
        self._fan_out = fan_out
        self._ring = Ring()
        self._waiting: deque[Publication] = deque(maxlen=MOST_WAITING)
        self._published = 0
        self._is_open = False
        self._reading = asyncio.Lock()
        self._repairing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read the end of the stream; raise DatabaseError."""
        publications, self.end = await self._read(None)
        self._ring.replace(publications)
        self._is_open = True
        self._drain()

    def close(self) -> None:
        if self._repairing is not None:
            self._repairing.cancel()

    def receive(self, publication: Publication) -> None:
        """Accept a publication from the channel layer; one without seqs is never repeated."""
        if publication["last_seq"] == 0:
            self._fan_out(self.subscribers, publication)
            return
        self._waiting.append(publication)
        if self._is_open and self._repairing is None:
            self._drain()

    def check(self, due: int, seen_end: int, stored_end: int) -> None:
        """Compare with the database: `due` must have been published by now.

        `stored_end` was read when `end` was `seen_end`; if smaller, the database was restored.
        """
        if self._is_open and (due > self.end or stored_end < seen_end):
            self._repair()

    def after(self, since: int | None) -> list[Publication] | None:
        """Return what follows `since` (None: the newest row) up to `end`; None: `load` it first."""
        if since == self.end or (since is None and self.end == 0):
            return []
        if since is not None:
            return self._ring.after(since)
        newest = self._ring.newest()
        return None if newest is None else [newest]

    async def load(self, since: int | None) -> list[Publication]:
        """Return what follows `since`, after a gap where that is too much; raise DatabaseError.

        One read at a time: all callers that waited find its rows in memory.
        """
        async with self._reading:
            if (found := self.after(since)) is not None:
                return found
            if since is None or self._ring.rows < REPLAY_ROWS:
                seen_end = self.end
                publications, last_seq = await self._read(since)
                if last_seq < seen_end:
                    self._reset(last_seq)
                else:
                    self._take(publications, last_seq)
            return self.after(since) or self._all_after(since)

    async def catch_up(self) -> None:
        """Read what the database holds after `end`, for all subscribers; raise DatabaseError."""
        wanted_at = self.end
        async with self._reading:
            if self.end != wanted_at:
                return  # another caller has read it
            publications, last_seq = await self._read(wanted_at)
            if last_seq < wanted_at:
                self._reset(last_seq)
                return
            for publication in publications:
                if publication["last_seq"] > self.end:
                    self._send(publication)

    def _all_after(self, since: int | None) -> list[Publication]:
        """Return the whole ring, and a gap from `since` to its beginning."""
        first = self._ring.first_seq or self.end + 1
        if since is None or first == since + 1:
            return self._ring.all()
        return [cutting.gap(self.topic, since + 1, first - 1), *self._ring.all()]

    def _drain(self) -> None:
        """Send the waiting publications up to the first hole."""
        while self._waiting:
            publication = self._waiting[0]
            first, last = publication["first_seq"], publication["last_seq"]
            goes_back = first <= self._published
            if first > self.end + 1 or goes_back:
                self._repair()
                return
            self._waiting.popleft()
            self._published = last
            if last > self.end:
                self._send(publication)

    def _send(self, publication: Publication) -> None:
        """Send the new rows of a publication that leaves no hole."""
        new = cutting.after(publication, self.end)
        if new is None:  # cannot be cut
            self._repair()
            return
        self.end = publication["last_seq"]
        self._ring.append(new)
        self._fan_out(self.subscribers, new)

    def _repair(self) -> None:
        if self._repairing is None:
            metrics.HOLES.inc()
            self._repairing = asyncio.create_task(self._fill(), context=Context())

    async def _fill(self) -> None:
        """Read the database until there is no hole."""
        while True:
            try:
                await self.catch_up()
            except DatabaseError as error:
                logger.warning("hole not filled", topic=self.topic, error=str(error).strip())
                await asyncio.sleep(RETRY_S)
                continue
            self._skip_known()
            if not self._waiting or self._waiting[0]["first_seq"] <= self.end + 1:
                break
            await asyncio.sleep(BEHIND_S)
        self._repairing = None
        self._drain()

    def _skip_known(self) -> None:
        """Drop waiting publications that were read, also those whose seqs went back."""
        while self._waiting and self._waiting[0]["last_seq"] <= self.end:
            self._published = self._waiting.popleft()["last_seq"]
        self._published = min(self._published, self.end)

    def _reset(self, stored_end: int) -> None:
        """Go back to the end of a restored stream, or to where publications went back."""
        back = [p["first_seq"] - 1 for p in self._waiting if p["first_seq"] <= stored_end]
        self.end = min([stored_end, *back])
        self._published = self.end
        self._ring.clear()
        frame: Frame = {"topic": shown(self.topic), "type": "reset", "last_seq": self.end}
        logger.warning("stream went back", topic=self.topic, last_seq=self.end)
        self._fan_out(self.subscribers, cutting.from_frame(frame))

    def _take(self, publications: list[Publication], last_seq: int) -> None:
        """Keep what was read from further back; send the rows after `end`."""
        older = [each for each in publications if not is_gap(each)]
        newer = self._ring.after(last_seq) if last_seq < self.end else []
        for publication in older:
            new = cutting.after(publication, self.end)
            if publication["last_seq"] > self.end and new is not None:
                self.end = publication["last_seq"]
                self._fan_out(self.subscribers, new)
        self._ring.replace([*older, *(newer or [])])

    async def _read(self, since: int | None) -> tuple[list[Publication], int]:
        return await read(stored, self._streams, self.topic, since)


def stored(streams: Sequenced, topic: str, since: int | None) -> tuple[list[Publication], int]:
    """Return the publications of what is stored after `since`, and the last seq."""
    missed = streams.missed(key_of(topic), since, REPLAY_ROWS)
    metrics.READS.inc()
    return list(cutting.in_chunks(missed.frames)), missed.last_seq


def is_gap(publication: Publication) -> bool:
    return '"type":"gap"' in publication["text"][:200]
