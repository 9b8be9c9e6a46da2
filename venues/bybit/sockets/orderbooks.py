"""The topics orderbook.DEPTH.SYMBOL: a snapshot, then what changed, each message numbered.

Books are those of the hub's boards. What subscribers hold after each message is exactly the best
levels of the exchange's book at that message's `cts`.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from exchange.engine.messages import BUY, SELL
from live.boards import Board
from live.cutting import made
from live.frames import Publication
from venues.bybit.sequences import cross_sequence
from venues.bybit.sockets.bookwindow import BookWindow, Levels
from venues.bybit.symbols import Symbol
from venues.doors.clock import now_ms
from venues.doors.followedbooks import FollowedBook
from venues.doors.publishers import Pace, Publisher

INTERVALS_S: Final = {1: 0.01, 50: 0.02, 200: 0.1, 500: 0.1, 1000: 0.2}
"""Least time from one message to the next, by depth."""
REPEAT_S: Final = 3.0
"""Level 1 without a change is sent again after this time."""
BEST: Final = 1
"""The depth whose messages are all snapshots."""


class OrderBook(Publisher):
    """The best levels of one book (live.boards.Follower)."""

    def __init__(self, name: str, depth: int, symbol: Symbol) -> None:
        super().__init__(name)
        self._depth = depth
        self._symbol = symbol.name
        self._book = FollowedBook(symbol.key, symbol.name)
        self._lattice = symbol.lattice
        self._window = BookWindow(depth, self._lattice)
        self._pace = Pace(INTERVALS_S[depth], self._push)
        self._repeating: asyncio.TimerHandle | None = None
        self._update = 0
        self._at = self._sent_ms = 0
        self._snapshot: Publication | None = None

    async def open(self) -> None:
        await self._book.open(self, self)
        self.replace(self._book.image, self._book.end)

    def attach(self, board: Board) -> None:
        """Show an open board from now on."""
        self._book.attach(board, self)
        self.replace(self._book.image, self._book.end)

    async def close(self) -> None:
        self._pace.stop()
        if self._repeating is not None:
            self._repeating.cancel()
        self._book.close()
        await super().close()

    def first(self) -> Iterable[Publication]:
        """Return what the subscribers hold: the next delta continues it."""
        if self._snapshot is None:
            self._snapshot = made(self._message("snapshot", *self._all()), 0, 0, topic=self.name)
        return (self._snapshot,)

    def replace(self, image: Any, seq: int) -> None:
        """Show another book, read after a restart or a hole: the numbering begins again at 1."""
        self._window = BookWindow(self._depth, self._lattice)
        self._window.show(image.ladders)
        self._update = 0
        self._send("snapshot", *self._all())

    def extend(self, delta: Mapping[str, Any], seq: int, committed_at: float) -> None:
        """Note that the book, which the board has changed already, is another one."""
        self._pace.touch()

    def _push(self) -> None:
        """Send what changed since the last message."""
        bids, asks = self._window.show(self._book.image.ladders)
        if not (bids or asks):
            return
        if self._depth == BEST:
            self._send("snapshot", *self._all())
        else:
            self._send("delta", bids, asks)

    def _send(self, kind: str, bids: Levels, asks: Levels) -> None:
        self._update += 1
        self._at, self._sent_ms = self._book.image.at, now_ms()
        sent = self.send(self._message(kind, bids, asks))
        self._snapshot = sent if kind == "snapshot" else None
        if self._depth == BEST:
            self._repeat_later()

    def _repeat_later(self) -> None:
        if self._repeating is not None:
            self._repeating.cancel()
        self._repeating = asyncio.get_running_loop().call_later(REPEAT_S, self._repeat)

    def _repeat(self) -> None:
        """Send the best levels again, under the same number."""
        self._sent_ms = now_ms()
        self._snapshot = self.send(self._message("snapshot", *self._all()))
        self._repeat_later()

    def _all(self) -> tuple[Levels, Levels]:
        return self._window.levels(BUY), self._window.levels(SELL)

    def _message(self, kind: str, bids: Levels, asks: Levels) -> dict[str, Any]:
        return {
            "topic": self.name,
            "type": kind,
            "ts": self._sent_ms,
            "data": {
                "s": self._symbol,
                "b": bids,
                "a": asks,
                "u": self._update,
                "seq": cross_sequence(self._at),
            },
            "cts": self._at // 1000,
        }
