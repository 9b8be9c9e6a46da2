"""What a client was told of one instrument, and what it was not told. Pure."""

from collections.abc import Sequence
from typing import Any

Row = tuple[int, int, float]


class Ledger:
    """Takes the frames of one topic in order, over any number of connections.

    `tape` holds each row as the first of all clients saw it: nobody may see another one.
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
        """Ticks that it was told it would not get."""
        return sum(last - first + 1 for first, last in self.gaps)

    def complaints(self, last_seq: int) -> list[str]:
        """Return what is wrong with a history that ends in `last_seq`; empty: each tick once."""
        found = []
        if self.last != last_seq:
            found.append(f"ends at {self.last}, the history at {last_seq}")
        found += [f"was not told of {first}-{last}" for first, last in self.holes]
        if self.duplicates:
            found.append(f"{self.duplicates} ticks came twice")
        if self.conflicts:
            found.append(f"{self.conflicts} ticks differ from what others saw")
        if self.resets:
            found.append(f"{self.resets} times told of another epoch")
        return found
