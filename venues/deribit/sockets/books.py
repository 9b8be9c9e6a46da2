"""The channels book and quote.

A change names the change before it, so a client that misses one notices. What subscribers hold
after each message is exactly the book of the exchange at that message's `timestamp`, also after the
door itself has read the book again: it sends what differs.
"""

from typing import Any

from exchange.engine.messages import BUY, SELL
from live.frames import Publication
from venues.deribit.levels import Shown, grouped
from venues.deribit.listed import Listed
from venues.deribit.sockets.feeds import BookFeed

NO_LEVEL = (0.0, 0.0)


class Book(BookFeed):
    """All levels: a snapshot, then changes."""

    def __init__(self, name: str, listed: Listed, interval_s: float) -> None:
        super().__init__(name, listed, interval_s)
        self._shown = Shown()
        self._change_id = self._at_ms = 0

    async def open(self) -> None:
        await super().open()
        self._shown.show(self.image.ladders)
        self._note()

    def first(self) -> tuple[Publication, ...]:
        """Return what the subscribers hold: the next change continues it."""
        return self.opening({"type": "snapshot", **self._members(), **self._shown.all()})

    def push(self) -> None:
        """Send what changed since the last message."""
        changed = self._shown.show(self.image.ladders)
        if not any(changed.values()):
            return
        before = self._change_id
        self._note()
        members = {"type": "change", **self._members(), "prev_change_id": before}
        self.tell({**members, **changed})

    def _note(self) -> None:
        self._change_id, self._at_ms = self.image.seq, self.image.at // 1_000

    def _members(self) -> dict[str, Any]:
        return {
            "timestamp": self._at_ms,
            "instrument_name": self.listed.name,
            "change_id": self._change_id,
        }


class GroupedBook(BookFeed):
    """The best levels, grouped by price: the whole each time."""

    def __init__(
        self, name: str, listed: Listed, interval_s: float, group: str, depth: int
    ) -> None:
        super().__init__(name, listed, interval_s)
        self._group, self._depth = group, depth
        self._levels: dict[str, Any] = {}

    def first(self) -> tuple[Publication, ...]:
        self._levels = self._levels or self._read()
        return self.opening(self._message())

    def push(self) -> None:
        levels = self._read()
        if levels != self._levels:
            self._levels = levels
            self.tell(self._message())

    def _read(self) -> dict[str, Any]:
        return grouped(self.image.ladders, self._group, self._depth)

    def _message(self) -> dict[str, Any]:
        return {
            "timestamp": self.image.at // 1_000,
            "instrument_name": self.listed.name,
            "change_id": self.image.seq,
            **self._levels,
        }


class Quote(BookFeed):
    """The best bid and the best ask, when they change."""

    def __init__(self, name: str, listed: Listed, interval_s: float) -> None:
        super().__init__(name, listed, interval_s)
        self._best: dict[str, float] = {}

    def first(self) -> tuple[Publication, ...]:
        self._best = self._best or best_of(self.image.ladders)
        return self.opening(self._message())

    def push(self) -> None:
        best = best_of(self.image.ladders)
        if best != self._best:
            self._best = best
            self.tell(self._message())

    def _message(self) -> dict[str, Any]:
        return {
            "timestamp": self.image.at // 1_000,
            "instrument_name": self.listed.name,
            **self._best,
        }


def best_of(ladders: Any) -> dict[str, float]:
    """Return the best levels as tickers and quotes name them; 0 of an empty side."""
    (bid, bid_amount), (ask, ask_amount) = (
        next(iter(ladders[side].best(1)), NO_LEVEL) for side in (BUY, SELL)
    )
    return {
        "best_bid_price": bid,
        "best_bid_amount": bid_amount,
        "best_ask_price": ask,
        "best_ask_amount": ask_amount,
    }
