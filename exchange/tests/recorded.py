"""Recorded books for tests, written through the journal."""

import numpy as np

from exchange.kinds import BLOCKS
from exchange.recording import BlockWriter
from exchange.tests.reference import make_updates
from journal.journal import Journal
from market.kinds import Delivery


def blocks_of(updates, instrument, sizes=(10,), writer=None):
    """Return the records of `updates` in blocks of these sizes, in turn.

    Every block ends 3 us after its last update, where that is before the next one.
    """
    writer = writer or BlockWriter(instrument.pk)
    records, start, turn = [], 0, 0
    while start < len(updates):
        end = start + sizes[turn % len(sizes)]
        part, rest = updates[start:end], updates[end:]
        writer.add(part)
        at = int(part["at"][-1]) + 3
        at = min(at, int(rest["at"][0])) if len(rest) else at
        records.append(writer.take(at, int(part["slot"][-1]), int(part["event"][-1])))
        start, turn = end, turn + 1
    return np.concatenate(records)


def store(instrument, blocks):
    with Journal([instrument]) as journal:
        journal.append([Delivery(BLOCKS, blocks)])


def record_book(instrument, count, sizes=(10,), seed=1):
    """Store a book of `count` updates; return the updates and the blocks."""
    updates = make_updates(count, seed)
    blocks = blocks_of(updates, instrument, sizes)
    store(instrument, blocks)
    return updates, blocks
