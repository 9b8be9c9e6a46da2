"""The recorded book at many moments, in one pass over its blocks."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from exchange.depth.blocks import decode_all
from exchange.depth.depthbook import DepthBook, Levels
from exchange.depth.history import blocks_around, first_at, last_at
from exchange.engine.messages import BUY, SELL
from orderflow.clusters import Integers
from web.clients import check_client


class Sides(NamedTuple):
    """The levels of a book, best first."""

    bids: Levels
    asks: Levels


def books_at(instrument_id: int, moments: Integers) -> list[Sides | None]:
    """Return the book at each of ascending moments; None before the first record.

    Raise CorruptBlockError if blocks cannot be read, ClientGone if nobody waits any more.
    """
    first, last = first_at(instrument_id), last_at(instrument_id)
    if first is None or last is None:
        return [None] * len(moments)
    unknown = int(moments.searchsorted(first))
    known = np.minimum(moments[unknown:], last)
    return [*[None] * unknown, *_books(instrument_id, known)]


def _books(instrument_id: int, moments: Integers) -> Iterator[Sides]:
    """Yield the books of recorded moments, from snapshot to snapshot."""
    done = 0
    while done < len(moments):
        check_client()
        rows = blocks_around(instrument_id, int(moments[done]))
        ends = np.array([end for _, end, _ in rows], np.int64)
        levels, updates = decode_all([bytes(data) for _, _, data in rows], ends)
        book = DepthBook()
        if levels is not None:
            book.apply(levels)
        until = max(done + 1, int(moments.searchsorted(ends[-1])))  # the next snapshot is there
        places = updates["at"].searchsorted(moments[done:until], "right").tolist()
        for start, end in zip([0, *places[:-1]], places, strict=True):
            book.apply(updates[start:end])
            yield Sides(book.levels(BUY), book.levels(SELL))
        done = until
