"""The order book over REST."""

from typing import Any

from exchange.engine.messages import BUY, SELL
from venues.bybit.listed import Listed
from venues.bybit.numbers import book_rows
from venues.bybit.sequences import cross_sequence
from venues.doors.books import book_of


def order_book(listed: Listed, limit: int, now_ms: int) -> dict[str, Any]:
    """Return the best levels, bids descending and asks ascending."""
    stored = book_of(listed.key)
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
