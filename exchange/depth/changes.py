"""Changes of books as they were stored, over any span of time."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archive.database import Row, fetch
from archive.selections import Span
from exchange.depth.blocks import Updates, decode_all
from exchange.kinds import BLOCKS
from market.keys import LARGEST_SEQ, key_range

MOST_BLOCKS: Final = 2_000
"""Blocks read at once."""


class BookChanges(NamedTuple):
    """Changes in order of time, with the seq of each one's block, both of shape (n,).

    `more_after` is the seq after whose block the changes continue, None at the end.
    """

    seqs: NDArray[np.int64]
    updates: Updates
    more_after: int | None


def book_changes(
    instrument_id: int, span: Span, *, after: int = 0, most: int = 10_000
) -> BookChanges:
    """Return the changes of a book in a span, from whole blocks of seqs > `after`.

    At most `most` changes, or a single block that has more.
    """
    rows = fetch(*_selection(instrument_id, span, after))
    lowest, _ = key_range(instrument_id)
    ends = np.array([end for _, end, _, _ in rows], np.int64)
    _, updates = decode_all([bytes(data) for *_, data in rows], ends)
    seqs = np.repeat(
        np.array([row[0] - lowest for row in rows], np.int64), [count for _, _, count, _ in rows]
    )
    inside = _within(updates["at"], span)
    found, of = updates[inside], seqs[inside]
    if len(found) <= most:
        return BookChanges(of, found, _last_seq(rows, span, lowest))
    # The last block may be cut off: leave it to the next page, unless it is the only one.
    kept = of < of[most] if of[0] < of[most] else of == of[0]
    return BookChanges(of[kept], found[kept], int(of[kept][-1]))


def _within(at: NDArray[np.int64], span: Span) -> NDArray[np.bool_]:
    inside = np.ones(len(at), np.bool_)
    if span.start is not None:
        inside &= at >= span.start
    if span.end is not None:
        inside &= at < span.end
    return inside


def _last_seq(rows: list[Row], span: Span, lowest: int) -> int | None:
    """Return the seq after which blocks of the span may follow those that were read."""
    is_over = span.end is not None and len(rows) > 0 and rows[-1][1] >= span.end
    return None if len(rows) < MOST_BLOCKS or is_over else int(rows[-1][0] - lowest)


def _selection(instrument_id: int, span: Span, after: int) -> tuple[str, list[int]]:
    """Return the SELECT of the blocks from the snapshot before a span to the one after it."""
    lowest, highest = key_range(instrument_id)
    snapshot = f"SELECT id FROM {BLOCKS.table} WHERE instrument_id = %s AND is_snapshot = 1"  # noqa: S608
    first, first_parameters = "%s", [lowest + min(after, LARGEST_SEQ) + 1]
    if span.start is not None and after == 0:
        first = f"COALESCE(({snapshot} AND at <= %s ORDER BY at DESC LIMIT 1), %s)"
        first_parameters = [instrument_id, span.start, lowest + 1]
    last, last_parameters = "%s", [highest - 1]
    if span.end is not None:
        last = f"COALESCE(({snapshot} AND at >= %s ORDER BY at LIMIT 1), %s)"
        last_parameters = [instrument_id, span.end, highest - 1]
    return (
        f"SELECT id, at, updates, data FROM {BLOCKS.table} "  # noqa: S608
        f"WHERE id >= {first} AND id <= {last} ORDER BY id LIMIT %s",
        [*first_parameters, *last_parameters, MOST_BLOCKS],
    )
