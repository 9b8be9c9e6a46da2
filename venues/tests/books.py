"""Recorded books for tests."""

import numpy as np

from exchange.depth.blocks import UPDATE
from exchange.depth.recording import BlockWriter
from exchange.kinds import BLOCKS
from instruments.models import Instrument
from journal.journal import Journal
from market.kinds import Delivery
from market.times import to_microseconds
from rig.histories import START


def rest_book(instrument: Instrument, levels: list[tuple[int, int, int]]) -> None:
    """Record a book of levels: side, ticks, lots."""
    at = to_microseconds(START) + 2_000_000
    updates = np.zeros(len(levels), UPDATE)
    updates["at"] = at
    for row, (side, ticks, lots) in zip(updates, levels, strict=True):
        row["side"], row["ticks"], row["lots"] = side, ticks, lots
    writer = BlockWriter(instrument.pk)
    writer.add(updates)
    with Journal([instrument]) as journal:
        journal.append([Delivery(BLOCKS, writer.take(at, 3, 0))])
