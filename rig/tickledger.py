"""The ticks and gaps that a client received for one instrument, and what is missing. Pure."""

from collections.abc import Sequence
from typing import Any

Row = tuple[int, int, float]


class TickLedger:
    """Checks the frames of one topic, in order of arrival over any number of connections.

    `tape`: rows by seq, shared by all clients; every client must receive identical rows.
    """

    def __init__(self, since: int, tape: dict[int, Row]) -> None:
        self.first = since + 1
        self.last = since
        self.ticks = 0
        self.duplicates = 0
        self.conflicts = 0
        self.resets = 0
        self.gaps: list[tuple[int, int]] = []
        self.holes: list[tuple[int, int]] = []
        self._tape = tape

    def take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "ticks":
            self._take_rows(frame["data"])
        elif frame["type"] == "gap":
            self._move(frame["from_seq"], frame["to_seq"])
            self.gaps.append((frame["from_seq"], frame["to_seq"]))
        elif frame["type"] == "reset":
            self.resets += 1

    def _take_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        for seq, at, price in rows:
            self._move(seq, seq)
            self.ticks += 1
            row = (seq, at, price)
            self.conflicts += self._tape.setdefault(seq, row) != row

    def _move(self, first: int, last: int) -> None:
        if first > self.last + 1:
            self.holes.append((self.last + 1, first - 1))
        self.duplicates += max(0, self.last + 1 - first)
        self.last = max(self.last, last)

    @property
    def in_gaps(self) -> int:
        """Number of ticks covered by gap frames."""
        return sum(last - first + 1 for first, last in self.gaps)

    def complaints(self, last_seq: int) -> list[str]:
        """Return violations, given a stored history that ends at `last_seq`.

        An empty list means that each tick was received exactly once or covered by a gap frame.
        """
        found = []
        if self.last != last_seq:
            found.append(f"ends at seq {self.last}, the history at seq {last_seq}")
        found += [f"no ticks or gap frame for seq {first}-{last}" for first, last in self.holes]
        if self.duplicates:
            found.append(f"{self.duplicates} duplicate ticks")
        if self.conflicts:
            found.append(f"{self.conflicts} ticks differ from those of other clients")
        if self.resets:
            found.append(f"{self.resets} reset frames")
        return found
