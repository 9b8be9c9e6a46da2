"""Recorded order books: bytes per update, and the time to show the book of any moment.

python -m benchmarks.books, for PostgreSQL under scripts/services.py
"""

import time
from functools import partial
from typing import Any, Final

import numpy as np
from django.db import connection

from benchmarks.harness import report, scratch_market
from benchmarks.timing import best_ms, seconds
from exchange.bookhistory import book_at
from exchange.kinds import BLOCKS
from instruments.models import Instrument
from market.kinds import Rows
from rig.books import EVENTS_PER_S, blocks_of, make_updates, store
from rig.histories import make_instrument

HOURS: Final = 12
LIVE: Final = (9, 4, 15, 2, 11, 20, 6)
"""Updates of live blocks, which end with a trade or 0.2 s after the last one: 9.6 on average."""
SIZES: Final = (10, 15, 20, 256)
MEASURED: Final = 300_000
BATCH: Final = 20_000


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


def bytes_per_update(size: int) -> float:
    """Store a book in blocks of `size` updates; return the growth of the database per update."""
    instrument = make_instrument(f"S{size}")
    blocks = blocks_of(make_updates(MEASURED, spread_of_levels=60), instrument, (size,))
    before = stored_bytes()
    store_all(instrument, blocks)
    return round((stored_bytes() - before) / MEASURED, 1)


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
    with scratch_market():
        for size in SIZES:
            figures[f"bytes per update, {size} a block"] = bytes_per_update(size)
        instrument = make_instrument("ES")
        updates = make_updates(HOURS * 3600 * EVENTS_PER_S, spread_of_levels=60)
        blocks = blocks_of(updates, instrument, LIVE)
        figures[f"updates, blocks in {HOURS} h"] = [len(updates), len(blocks)]
        figures["storing them, s"] = round(seconds(partial(store_all, instrument, blocks)), 1)
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
