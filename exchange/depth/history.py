"""Books as they were stored: at any moment, and now."""

from typing import Final, NamedTuple

import numpy as np

from archive.database import Row, fetch
from exchange.depth.blocks import Updates, decode_all
from exchange.depth.depthbook import DepthBook
from exchange.depth.recording import BlockWriter
from exchange.kinds import BLOCKS
from market.keys import key_range

NOW: Final = 2**63 - 1


class StoredBook(NamedTuple):
    """A book at a moment (microseconds since 1970 UTC); `seq`: of the last block that had ended."""

    book: DepthBook
    seq: int
    at: int


def book_at(instrument_id: int, at: int = NOW) -> StoredBook | None:
    """Return the book as of a moment; None if the first stored block ended later.

    After the end of the last block, the moment is that end. Raise CorruptBlockError if blocks
    cannot be read.
    """
    lowest, _ = key_range(instrument_id)
    rows = blocks_around(instrument_id, at)
    if not rows:
        return None
    ends = np.array([end for _, end, _ in rows], np.int64)
    ended = int(np.searchsorted(ends, at, "right"))
    read = rows[: ended + 1]  # and the block in which the moment is
    levels, updates = decode_all([bytes(data) for _, _, data in read], ends[: len(read)])
    book = DepthBook()
    if levels is not None:
        book.apply(levels)
    book.apply(updates[: updates["at"].searchsorted(at, "right")])
    return StoredBook(book, rows[ended - 1][0] - lowest, min(at, int(ends[-1])))


class Changes(NamedTuple):
    """A book at a moment, and its changes after that."""

    book: DepthBook
    updates: Updates


def changes_between(instrument_id: int, start: int, end: int) -> Changes | None:
    """Return the book at `start` and what is stored of the changes at start < t <= end.

    None if the first stored block ended later than `start`. Raise CorruptBlockError if blocks
    cannot be read.
    """
    rows = fetch(*_selection(instrument_id, start, end))
    if not rows:
        return None
    ends = np.array([block_end for _, block_end, _ in rows], np.int64)
    levels, updates = decode_all([bytes(data) for _, _, data in rows], ends)
    book, (first, last) = DepthBook(), updates["at"].searchsorted((start, end), "right")
    if levels is not None:
        book.apply(levels)
    book.apply(updates[:first])
    return Changes(book, updates[first:last])


def blocks_around(instrument_id: int, at: int) -> list[Row]:
    """Return key, end and bytes of the blocks from the snapshot before a moment to that after it.

    Nothing if the moment is before the end of the first block.
    """
    return fetch(*_selection(instrument_id, at, at))


def _selection(instrument_id: int, start: int, end: int) -> tuple[str, list[int]]:
    """Return the SELECT of the blocks from the snapshot before `start` to the one after `end`.

    Both snapshots are found by a partial index; the blocks between are a range of the primary key.
    """
    _, last = key_range(instrument_id)
    snapshots = f"SELECT id FROM {BLOCKS.table} WHERE instrument_id = %s AND is_snapshot = 1"  # noqa: S608
    return (
        f"SELECT id, at, data FROM {BLOCKS.table} "  # noqa: S608
        f"WHERE id >= ({snapshots} AND at <= %s ORDER BY at DESC LIMIT 1) "
        f"AND id <= COALESCE(({snapshots} AND at > %s ORDER BY at LIMIT 1), %s) ORDER BY id",
        [instrument_id, start, instrument_id, end, last],
    )


def first_at(instrument_id: int) -> int | None:
    """Return when the first stored block ended; None if there is none."""
    lowest, end = key_range(instrument_id)
    found = fetch(
        f"SELECT at FROM {BLOCKS.table} WHERE id > %s AND id < %s ORDER BY id LIMIT 1",  # noqa: S608
        [lowest, end],
    )
    return int(found[0][0]) if found else None


def last_at(instrument_id: int) -> int | None:
    """Return when the last stored block ended; None if there is none."""
    lowest, end = key_range(instrument_id)
    found = fetch(
        f"SELECT at FROM {BLOCKS.table} WHERE id > %s AND id < %s ORDER BY id DESC LIMIT 1",  # noqa: S608
        [lowest, end],
    )
    return int(found[0][0]) if found else None


def resumed_writer(instrument_id: int) -> BlockWriter:
    """Return a writer that continues the stored blocks."""
    stored = book_at(instrument_id)
    if stored is None:
        return BlockWriter(instrument_id)
    return BlockWriter(instrument_id, stored.seq, stored.book)
