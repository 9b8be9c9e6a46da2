"""Recorded order books: bytes per update, and the time to show the book of any moment.

python -m benchmarks.books, for PostgreSQL under scripts/services.py
"""

import time
from functools import partial
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from benchmarks.harness import report, scratch_market
from benchmarks.timing import best_ms
from exchange.depth.history import book_at
from exchange.depth.recording import BlockWriter
from exchange.flow.market import BookMarket
from exchange.kinds import BLOCKS
from instruments.models import Instrument
from market.kinds import Rows
from market.timeframes import MICROSECONDS
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.walker import MarketLaw, Start
from rig.books import START, blocks_of, store
from rig.histories import make_instrument

HOURS: Final = 12
SLOTS: Final = HOURS * 3600
PASS_US: Final = 20_000
LONGEST_PASSES: Final = 25
"""A live block ends with a trade, the slot, or this many passes after the last one."""
SIZES: Final = (10, 15, 20, 256)
MEASURED: Final = 300_000
BATCH: Final = 20_000


class History(NamedTuple):
    """What a simulated market did: rows of UPDATE and TRADES."""

    updates: Rows
    trades: Rows


def simulated(slots: int) -> History:
    """Return the history of a market with slots of a second and the default flow."""
    walk, regimes = WalkState(20_000, 1), RegimeLaw(400.0, 100.0)
    law = MarketLaw(1, "ES", 1, MICROSECONDS, 1, START, walk, regimes)
    market = BookMarket.open(Start(law, 1, walk))
    parts = [market.run_slots(min(900, slots - done)) for done in range(0, slots, 900)]
    updates = np.concatenate([part.updates for part in parts])
    return History(updates, np.concatenate([part.trades for part in parts]))


def live_ends(history: History) -> list[int]:
    """Return the ends of the passes in which a live market records a block."""
    traded = set(passes(history.trades).tolist())
    ends, last = [], 0
    for each in range(1, SLOTS * MICROSECONDS // PASS_US + 1):
        is_slot_end = each * PASS_US % MICROSECONDS == 0
        if each in traded or is_slot_end or each - last == LONGEST_PASSES:
            ends.append(each)
            last = each
    return ends


def passes(rows: Rows) -> NDArray[np.int64]:
    """Return the number of the pass in which each row was made."""
    return -((START - rows["at"]) // PASS_US)  # rounded up


def live_blocks(instrument: Instrument, history: History) -> Rows:
    writer = BlockWriter(instrument.pk)
    ends = live_ends(history)
    cuts = np.searchsorted(passes(history.updates), ends, "right").tolist()
    blocks = []
    for end, (first, last) in zip(ends, pairwise([0, *cuts]), strict=True):
        writer.add(history.updates[first:last])
        blocks.append(writer.take(START + end * PASS_US, slot=1, event=0))
    return np.concatenate(blocks)


def execute(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def stored_bytes() -> int:
    """Return what the table and its indexes occupy on disk."""
    if connection.vendor == "postgresql":
        ((size,),) = execute(f"SELECT pg_total_relation_size('{BLOCKS.table}')")
    else:
        ((size,),) = execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        )
    return int(size)


def store_all(instrument: Instrument, blocks: Rows) -> None:
    for start in range(0, len(blocks), BATCH):
        store(instrument, blocks[start : start + BATCH])


def bytes_per_update(blocks: Rows) -> float:
    """Store blocks; return the growth of the database per update."""
    instrument = Instrument.objects.get(pk=int(blocks["instrument"][0]))
    before = stored_bytes()
    store_all(instrument, blocks)
    return round((stored_bytes() - before) / int(blocks["updates"].sum()), 1)


def worst_moment(blocks: Rows) -> int:
    """Return the moment just before a snapshot in the middle of the history."""
    snapshots = np.flatnonzero(blocks["is_snapshot"])
    return int(blocks["at"][snapshots[len(snapshots) // 2]]) - 1


def random_moments_ms(instrument: Instrument, blocks: Rows, count: int = 300) -> dict[str, float]:
    """Return percentiles of the time to read the book of a random moment."""
    rng = np.random.default_rng(5)
    first, last = int(blocks["at"][0]), int(blocks["at"][-1])
    spent = []
    for at in rng.integers(first, last, count).tolist():
        started = time.perf_counter()
        book_at(instrument.pk, at)
        spent.append(1000 * (time.perf_counter() - started))
    return {f"p{p}": round(float(np.percentile(spent, p)), 2) for p in (50, 99, 100)}


def main() -> None:
    figures: dict[str, Any] = {}
    history = simulated(SLOTS)
    with scratch_market():
        for size in SIZES:
            other = make_instrument(f"S{size}")
            blocks = blocks_of(history.updates[:MEASURED], other, (size,))
            figures[f"bytes per update, {size} a block"] = bytes_per_update(blocks)
        instrument = make_instrument("ES")
        blocks = live_blocks(instrument, history)
        figures[f"updates, blocks in {HOURS} h"] = [len(history.updates), len(blocks)]
        started = time.perf_counter()
        figures["bytes per update, live"] = bytes_per_update(blocks)
        figures["storing them, s"] = round(time.perf_counter() - started, 1)
        if connection.vendor == "postgresql":
            execute(f"ANALYZE {BLOCKS.table}")
        figures |= best_ms(
            {
                "worst moment, ms": partial(book_at, instrument.pk, worst_moment(blocks)),
                "first moment, ms": partial(book_at, instrument.pk, int(blocks["at"][0])),
                "now, ms": partial(book_at, instrument.pk),
            },
            rounds=30,
        )
        figures["random moments, ms"] = random_moments_ms(instrument, blocks)
    report(f"books-{connection.vendor}", figures)


if __name__ == "__main__":
    main()
