"""Random order books for tests and benchmarks, recorded through the journal."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from exchange.depth.blocks import UPDATE, Updates
from exchange.depth.recording import BlockWriter
from exchange.engine.messages import BUY, SELL
from exchange.kinds import BLOCKS
from instruments.models import Instrument
from journal.journal import Journal
from market.kinds import Delivery, Rows

START: Final = 1_767_225_600_000_000
POSITIONED: Final = np.dtype([*UPDATE.descr, ("slot", np.int64), ("event", np.int64)])
EVENTS_PER_S: Final = 68


def make_updates(count: int, seed: int = 1) -> Updates:
    """Return updates of a book around 20,000 ticks; a quarter of them remove a level."""
    rng = np.random.default_rng(seed)
    updates = np.zeros(count, POSITIONED)
    waits = rng.exponential(1_000_000 / EVENTS_PER_S, count)
    updates["at"] = START + np.cumsum(waits.astype(np.int64))
    updates["side"] = rng.choice([BUY, SELL], count)
    distance = 1 + rng.exponential(30, count).astype(np.int64)
    updates["ticks"] = 20_000 - updates["side"] * distance
    updates["lots"] = np.where(rng.random(count) < 0.25, 0, rng.integers(1, 400, count))
    updates["slot"] = 1 + np.arange(count) // EVENTS_PER_S
    updates["event"] = 1 + np.arange(count) % EVENTS_PER_S
    return updates


def blocks_of(
    updates: Updates,
    instrument: Instrument,
    sizes: Sequence[int] = (10,),
    writer: BlockWriter | None = None,
) -> Rows:
    """Return the records of `updates` in blocks of these sizes, in turn.

    Each block ends 3 us after its last update, or with the next update if that is earlier.
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


def store(instrument: Instrument, blocks: Rows) -> None:
    with Journal([instrument]) as journal:
        journal.append([Delivery(BLOCKS, blocks)])


def record_book(
    instrument: Instrument, count: int, sizes: Sequence[int] = (10,), seed: int = 1
) -> tuple[Updates, Rows]:
    """Store a book of `count` updates; return the updates and the blocks."""
    updates = make_updates(count, seed)
    blocks = blocks_of(updates, instrument, sizes)
    store(instrument, blocks)
    return updates, blocks
