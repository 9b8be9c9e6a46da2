"""The records of an order book's changes: numbered blocks, regularly with a snapshot. Pure."""

from typing import Final

import numpy as np

from exchange.depth.blocks import MOST_UPDATES, UPDATE, Updates, encode
from exchange.depth.depthbook import DepthBook
from exchange.kinds import BLOCKS
from market.kinds import Rows

SNAPSHOT_BLOCKS: Final = 256
"""Most blocks from one snapshot to the next: what is read to show the book of a moment."""
SNAPSHOT_UPDATES: Final = 16_384
"""Updates after which the next block has a snapshot."""


class BlockWriter:
    """Makes the records of one book from its updates.

    The first block of each writer is a snapshot, so a stream can be read from there on.
    """

    def __init__(self, instrument_id: int, seq: int = 0, book: DepthBook | None = None) -> None:
        """`seq`: of the last stored block; `book`: after that block, empty if there is none."""
        self.seq = seq
        self.book = DepthBook() if book is None else book
        """The book after the last block that was taken."""
        self._instrument_id = instrument_id
        self._waiting: list[Updates] = []
        self._blocks = SNAPSHOT_BLOCKS  # since the last snapshot: one is due
        self._updates = 0

    @property
    def pending(self) -> int:
        """The number of updates since the last block."""
        return sum(map(len, self._waiting))

    def add(self, updates: Updates) -> None:
        """Add updates, ascending by time: rows of UPDATE, which may have further fields."""
        if len(updates):
            self._waiting.append(updates)

    def take(self, at: int, slot: int, event: int) -> Rows:
        """Return the records of all updates since the last block, at least one record.

        The last one ends at `at` (microseconds since 1970 UTC) and at this position of history. If
        there are more than MOST_UPDATES, those before end at the position of their last update, for
        which the updates need the fields `slot` and `event`.
        """
        updates = np.concatenate(self._waiting) if self._waiting else np.empty(0, UPDATE)
        self._waiting = []
        blocks = []
        while len(updates) > MOST_UPDATES:
            part, updates = updates[:MOST_UPDATES], updates[MOST_UPDATES:]
            last = part[-1]
            blocks.append(self._block(part, int(last["at"]), int(last["slot"]), int(last["event"])))
        blocks.append(self._block(updates, at, slot, event))
        return np.concatenate(blocks)

    def _block(self, updates: Updates, at: int, slot: int, event: int) -> Rows:
        is_due = self._blocks >= SNAPSHOT_BLOCKS or self._updates >= SNAPSHOT_UPDATES
        if is_due:
            self._blocks = self._updates = 0
        data = encode(updates, at, self.book.snapshot() if is_due else None)
        self.book.apply(updates)
        self.seq += 1
        self._blocks += 1
        self._updates += len(updates)
        row = np.zeros(1, BLOCKS.dtype)
        row[0] = (self._instrument_id, self.seq, at, slot, event, len(updates), is_due, data)
        return row
