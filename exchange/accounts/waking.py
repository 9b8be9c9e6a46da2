"""Signals between the threads of one process: new commands, committed blocks. Pure."""

import threading
from typing import Final

from market.kinds import Rows

commands_arrived: Final = threading.Event()
"""Set it after the commit of a command; the exchange clears it before it reads commands."""


class Committed:
    """The newest committed block of each book, noted by the journal's thread."""

    def __init__(self) -> None:
        self._seqs: dict[int, int] = {}

    def note(self, blocks: Rows) -> None:
        """Note committed BLOCKS, each stream ascending."""
        for instrument, seq in zip(blocks["instrument"], blocks["seq"], strict=True):
            self._seqs[int(instrument)] = int(seq)

    def seq(self, instrument_id: int) -> int:
        return self._seqs.get(instrument_id, 0)


committed_blocks: Final = Committed()
