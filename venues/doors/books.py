"""Stored order books, read once for all clients of a door that ask at the same time."""

from typing import Final

from exchange.depth.history import StoredBook, book_at
from venues.doors.cached import Cached

FRESH_S: Final = 0.02


def book_of(instrument_id: int) -> StoredBook | None:
    """Return the book of an instrument, at most FRESH_S old; None if nothing is stored."""
    return _books.get(instrument_id)


def best_of(stored: StoredBook | None, side: int) -> tuple[int, int]:
    """Return ticks and lots of the best level of a side, 0 and 0 of an empty one."""
    if stored is None or not len((best := stored.book.levels(side, 1)).ticks):
        return 0, 0
    return int(best.ticks[0]), int(best.lots[0])


_books: Final = Cached(book_at, FRESH_S)
