"""The topics tickers.SYMBOL: everything at first, then the fields that changed.

Prices are live. What concerns a whole day is read from the database once a second, for all
subscribers.
"""

import asyncio
from collections.abc import Mapping
from contextvars import Context
from decimal import Decimal
from typing import Any, Final

import structlog
from django.db import Error as DatabaseError

from exchange.engine.messages import BUY, SELL
from live.cutting import made
from live.frames import Publication
from live.reads import read
from venues.bybit.listed import Listed
from venues.bybit.market.tickers import ticker
from venues.bybit.numbers import price_text
from venues.bybit.sequences import cross_sequence
from venues.bybit.sockets.bookwindow import BookWindow
from venues.bybit.sockets.tape import TickDirection
from venues.doors import markprices, prints
from venues.doors.clock import now_ms
from venues.doors.followedbooks import FollowedBook
from venues.doors.markprices import Mark
from venues.doors.publishers import Pace, Publisher

logger = structlog.get_logger(__name__)

INTERVAL_S: Final = 0.1
READ_S: Final = 1.0
NOT_STREAMED: Final = ("basis",)
"""Fields of the REST ticker that the topic does not have."""
NO_LEVEL: Final = ("", "0")


class Tickers(Publisher):
    """Follows trades, best levels and the mark price of an instrument."""

    def __init__(self, name: str, listed: Listed) -> None:
        super().__init__(name)
        self._listed = listed
        self._book = FollowedBook(listed.key, listed.name)
        self._mark = Mark(listed.lattice)
        self._direction = TickDirection()
        self._window = BookWindow(1, listed.lattice)
        self._pace = Pace(INTERVAL_S, self._push)
        self._day: dict[str, str] = {}
        self._trade: dict[str, str] = {}
        self._sent: dict[str, str] = {}
        self._at = 0
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        symbol = self._listed.name
        await self._book.open(self, self)
        await self.follow_newest(f"{markprices.TOPIC}.{symbol}")
        await self.follow_newest(f"{prints.TOPIC}.{symbol}")
        self._day = streamed(await read(ticker, self._listed))
        self._sent = self._fields()
        self._reading = asyncio.create_task(self._read_on(), context=Context())

    async def close(self) -> None:
        self._pace.stop()
        if self._reading is not None:
            self._reading.cancel()
        self._book.close()
        await super().close()

    def deliver(self, publication: Publication) -> None:
        if publication["topic"].startswith(markprices.TOPIC):
            if self._mark.take(publication):
                self._pace.touch()
            return
        for trade in prints.trades_in(publication):
            self._at = max(self._at, trade.at)
            self._trade = {
                "lastPrice": price_text(self._listed.lattice, trade.ticks),
                "tickDirection": self._direction.of(trade.ticks),
            }
            self._pace.touch()

    def first(self) -> tuple[Publication, ...]:
        """Return what the subscribers hold: the next delta continues it."""
        return (made(self._message("snapshot", self._sent), 0, 0, topic=self.name),)

    def replace(self, image: Any, seq: int) -> None:
        self._pace.touch()

    def extend(self, delta: Any, seq: int, committed_at: float) -> None:
        self._pace.touch()

    def _push(self) -> None:
        """Send the fields that changed."""
        now = self._fields()
        changed = {name: text for name, text in now.items() if self._sent.get(name) != text}
        self._sent = now
        if changed:
            self.send(self._message("delta", {"symbol": self._listed.name, **changed}))

    def _fields(self) -> dict[str, str]:
        fields = {**self._day, **self._trade, **self._best()}
        if self._mark.ticks:
            mark = price_text(self._listed.lattice, self._mark.ticks)
            fields |= {"markPrice": mark, "indexPrice": mark}
        return fields | widened(fields)

    def _best(self) -> dict[str, str]:
        self._window.show(self._book.image.ladders)
        bids, asks = self._window.levels(BUY), self._window.levels(SELL)
        (bid, bid_size), (ask, ask_size) = (side[0] if side else NO_LEVEL for side in (bids, asks))
        return {"bid1Price": bid, "bid1Size": bid_size, "ask1Price": ask, "ask1Size": ask_size}

    def _message(self, kind: str, fields: dict[str, str]) -> dict[str, Any]:
        return {
            "topic": self.name,
            "type": kind,
            "data": fields,
            "cs": cross_sequence(self._at),
            "ts": now_ms(),
        }

    async def _read_on(self) -> None:
        """Read what concerns the whole day, again and again."""
        while True:
            await asyncio.sleep(READ_S)
            try:
                self._day = streamed(await read(ticker, self._listed))
            except DatabaseError as error:
                logger.warning("ticker not read", topic=self.name, error=str(error).strip())
            except Exception:  # an error of ours: its subscribers must not get old figures for ever
                logger.exception("ticker not read", topic=self.name)
                self.fail()
                return
            else:
                self._pace.touch()


def widened(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the range of the day with the last price in it, which may be newer than the range."""
    high, low, last = map(fields.get, ("highPrice24h", "lowPrice24h", "lastPrice"))
    if not (high and low and last):
        return {}
    return {
        "highPrice24h": max(high, last, key=Decimal),
        "lowPrice24h": min(low, last, key=Decimal),
    }


def streamed(row: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in row.items() if name not in NOT_STREAMED}
