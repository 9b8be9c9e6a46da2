"""Audit check of recorded books: blocks can be read, and snapshots equal the changes before."""

from typing import ClassVar, Final

import numpy as np

from archive.auditing import Check, Report
from exchange.depth.blocks import CorruptBlockError, Updates, decode_all
from exchange.depth.depthbook import DepthBook
from instruments.models import Instrument
from market.kinds import Kind, Rows

BEGINNING: Final = -(2**63)


class BlockCheck(Check):
    """The first block is a snapshot; each later snapshot is the book that the changes made.

    After blocks that cannot be read, the check continues at the next snapshot.
    """

    reads_bytes: ClassVar[bool] = True

    def __init__(self, report: Report, instrument: Instrument, kind: Kind) -> None:
        super().__init__(report, instrument, kind)
        self._book: DepthBook | None = None  # unknown before the first snapshot
        self._end = BEGINNING

    def feed(self, rows: Rows) -> None:
        if self._end == BEGINNING and not rows["is_snapshot"][0]:
            self._note(rows[:1], "the stream begins without a snapshot")
        for part in np.split(rows, np.flatnonzero(rows["is_snapshot"])):
            if len(part):
                self._check(part)

    def _check(self, blocks: Rows) -> None:
        """Check blocks of which at most the first is a snapshot."""
        try:
            levels, updates = decode_all(blocks["data"].tolist(), blocks["at"])
        except CorruptBlockError as error:
            self._note(blocks, f"unreadable: {error}")
            self._book, self._end = None, int(blocks["at"][-1])
            return
        if (levels is None) == bool(blocks["is_snapshot"][0]):
            self._note(blocks[:1], f"is_snapshot is wrong: {blocks['is_snapshot'][0]}")
        if len(updates) != blocks["updates"].sum():
            self._note(blocks, f"{len(updates)} updates, not {blocks['updates'].sum()}")
        times = np.concatenate(([self._end], updates["at"]))
        if (times[1:] < times[:-1]).any():
            self._note(blocks, "updates are out of order")
        self._end = int(blocks["at"][-1])
        self._follow(blocks, levels, updates)

    def _follow(self, blocks: Rows, levels: Updates | None, updates: Updates) -> None:
        """Compare a snapshot with the book so far; apply the updates."""
        if levels is not None:
            stored = DepthBook()
            stored.apply(levels)
            if self._book is not None and not self._book.equals(stored):
                self._note(blocks[:1], "the snapshot differs from the updates before it")
            self._book = stored
        if self._book is not None:
            self._book.apply(updates)

    def _note(self, blocks: Rows, what: str) -> None:
        first, last = int(blocks["seq"][0]), int(blocks["seq"][-1])
        which = f"block {first}" if first == last else f"blocks {first} to {last}"
        self.report.note(f"{self.kind.name}: {which}: {what}")
