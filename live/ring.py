"""The most recent publications of one topic, bounded in rows and bytes. Pure."""

from collections import deque
from collections.abc import Iterable

from live import cutting
from live.frames import REPLAY_ROWS, Publication

MOST_ROWS = 2 * REPLAY_ROWS
MOST_BYTES = 2_097_152


class Ring:
    """Publications of consecutive seqs; the oldest are dropped."""

    def __init__(self, most_rows: int = MOST_ROWS, most_bytes: int = MOST_BYTES) -> None:
        self.rows = 0
        self.bytes = 0
        self._items: deque[Publication] = deque()
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._newest: Publication | None = None

    @property
    def first_seq(self) -> int | None:
        return self._items[0]["first_seq"] if self._items else None

    def append(self, publication: Publication) -> None:
        """Add a publication; one that does not follow the newest replaces everything."""
        if self._items and publication["first_seq"] != self._items[-1]["last_seq"] + 1:
            self.clear()
        self._newest = None
        self._items.append(publication)
        self._count(publication, 1)
        while self.rows > self._most_rows or self.bytes > self._most_bytes:
            self._count(self._items.popleft(), -1)

    def replace(self, publications: Iterable[Publication]) -> None:
        """Keep these publications instead."""
        self.clear()
        for publication in publications:
            self.append(publication)

    def clear(self) -> None:
        self._items.clear()
        self.rows = self.bytes = 0
        self._newest = None

    def after(self, seq: int) -> list[Publication] | None:
        """Return what follows `seq`; None where the ring does not go back that far."""
        found: list[Publication] = []
        for publication in reversed(self._items):
            if publication["last_seq"] <= seq:
                break
            found.append(publication)
        if not found or found[-1]["first_seq"] > seq + 1:
            return None
        oldest = cutting.after(found[-1], seq)
        if oldest is None:
            return None
        found[-1] = oldest
        return found[::-1]

    def all(self) -> list[Publication]:
        return list(self._items)

    def newest(self) -> Publication | None:
        """Return the newest row alone; None where there is none."""
        if self._newest is None and self._items:
            self._newest = cutting.newest_row(self._items[-1])
        return self._newest

    def _count(self, publication: Publication, sign: int) -> None:
        self.rows += sign * (publication["last_seq"] - publication["first_seq"] + 1)
        self.bytes += sign * len(publication["text"])
