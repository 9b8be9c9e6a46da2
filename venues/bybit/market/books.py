"""The order book over REST."""

from typing import Any, Final

from exchange.depth.history import StoredBook, book_at
from exchange.engine.messages import BUY, SELL
from venues.bybit.listed import Listed
from venues.bybit.market.cached import Cached
from venues.bybit.numbers import book_rows
from venues.bybit.sequences import cross_sequence

FRESH_S: Final = 0.02


def book_of(listed: Listed) -> StoredBook | None:
    return _books.get(listed)


def best_of(stored: StoredBook | None, side: int) -> tuple[int, int]:
    """Return ticks and lots of the best level of a side, 0 and 0 of an empty one."""
    if stored is None or not len((best := stored.book.levels(side, 1)).ticks):
        return 0, 0
    return int(best.ticks[0]), int(best.lots[0])


def order_book(listed: Listed, limit: int, now_ms: int) -> dict[str, Any]:
    """Return the best levels, bids descending and asks ascending."""
    stored = book_of(listed)
    if stored is None:
        return {"s": listed.name, "b": [], "a": [], "ts": now_ms, "u": 0, "seq": 0, "cts": 0}
    sides = {
        name: book_rows(
            listed.lattice, *(part.tolist() for part in stored.book.levels(side, limit))
        )
        for name, side in (("b", BUY), ("a", SELL))
    }
    return {
        "s": listed.name,
        **sides,
        "ts": now_ms,
        "u": stored.seq,
        "seq": cross_sequence(stored.at),
        "cts": stored.at // 1_000,
    }


_books: Final = Cached(lambda listed: book_at(listed.key), FRESH_S)
