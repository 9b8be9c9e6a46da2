"""What strategies see of a market: the recorded book, as any reader of it sees it."""

from typing import Final, NamedTuple, Protocol

from exchange.depth.history import book_at
from exchange.engine.messages import BUY, SELL
from instruments.models import Instrument
from trading.core.strategies.strategy import Level

DEPTH: Final = 50


class Book(NamedTuple):
    """The best levels of a book; `at` in microseconds since 1970 UTC."""

    at: int
    bids: list[Level]
    asks: list[Level]


class Books(Protocol):
    """Where books come from."""

    def book(self, instrument: Instrument) -> Book | None:
        """Return the present book, None if there is none yet."""


class RecordedBooks:
    """The books of the exchange in this installation, after their last stored block."""

    def book(self, instrument: Instrument) -> Book | None:
        stored = book_at(instrument.pk)
        if stored is None:
            return None
        sides = (stored.book.levels(side, DEPTH) for side in (BUY, SELL))
        bids, asks = (
            [Level(*row) for row in zip(side.ticks.tolist(), side.lots.tolist(), strict=True)]
            for side in sides
        )
        return Book(stored.at, bids, asks)
