"""The channels deribit_price_index, ticker and incremental_ticker."""

import asyncio
from collections.abc import Mapping
from contextvars import Context
from typing import Any, Final

import structlog
from django.db import Error as DatabaseError

from live.frames import Publication
from live.reads import read
from venues.deribit import numbers
from venues.deribit.listed import Listed
from venues.deribit.market.tickers import marked, ticker
from venues.deribit.sockets.books import best_of
from venues.deribit.sockets.feeds import BookFeed, Feed
from venues.doors import markprices, prints
from venues.doors.markprices import Mark

logger = structlog.get_logger(__name__)

READ_S: Final = 1.0


class IndexPrice(Feed):
    """Follows the price of the law, which is the index."""

    def __init__(self, name: str, listed: Listed, interval_s: float, index_name: str) -> None:
        super().__init__(name, listed, interval_s)
        self._index_name = index_name
        self._mark = Mark(listed.lattice)

    async def open(self) -> None:
        await self.follow_newest(f"{markprices.TOPIC}.{self.listed.symbol}")

    def deliver(self, publication: Publication) -> None:
        if self._mark.take(publication):
            self.pace.touch()

    def first(self) -> tuple[Publication, ...]:
        return self.opening(self._message()) if self._mark.ticks else ()

    def push(self) -> None:
        self.tell(self._message())

    def _message(self) -> dict[str, Any]:
        return {
            "timestamp": self._mark.at_ms,
            "price": numbers.price(self.listed.lattice, self._mark.ticks),
            "index_name": self._index_name,
        }


class Ticker(BookFeed):
    """Follows trades, best levels and the mark price; the day is read once a second."""

    def __init__(self, name: str, listed: Listed, interval_s: float) -> None:
        super().__init__(name, listed, interval_s)
        self._mark = Mark(listed.lattice)
        self._day: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._at_ms = 0
        self._sent: dict[str, Any] = {}
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._day = await read(ticker, self.listed)  # topics deliver while they open
        await super().open()
        await self.follow_newest(f"{markprices.TOPIC}.{self.listed.symbol}")
        await self.follow_newest(f"{prints.TOPIC}.{self.listed.symbol}")
        self._sent = self.fields()
        self._reading = asyncio.create_task(self._read_on(), context=Context())

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        await super().close()

    def deliver(self, publication: Publication) -> None:
        if publication["topic"].startswith(markprices.TOPIC):
            if self._mark.take(publication):
                self.pace.touch()
            return
        for trade in prints.trades_in(publication):
            self._at_ms = max(self._at_ms, trade.at // 1_000)
            self._last = {"last_price": numbers.price(self.listed.lattice, trade.ticks)}
            self.pace.touch()

    def first(self) -> tuple[Publication, ...]:
        return self.opening(self._sent)

    def push(self) -> None:
        now = self.fields()
        if now != self._sent:
            self._sent = now
            self.tell(now)

    def fields(self) -> dict[str, Any]:
        """Return the ticker as it is now."""
        now = {**self._day, **self._last, **best_of(self.image.ladders)}
        if self._mark.ticks:
            now |= marked(self.listed, self._mark.ticks)
        at_ms = max(self._day["timestamp"], self._at_ms, self._mark.at_ms, self.image.at // 1_000)
        return {**now, "stats": widened(now["stats"], now["last_price"]), "timestamp": at_ms}

    async def _read_on(self) -> None:
        """Read what concerns the whole day, again and again."""
        while True:
            await asyncio.sleep(READ_S)
            try:
                self._day = await read(ticker, self.listed)
            except DatabaseError as error:
                logger.warning("ticker not read", topic=self.name, error=str(error).strip())
            except Exception:  # an error of ours: its subscribers must not get old figures for ever
                logger.exception("ticker not read", topic=self.name)
                self.fail()
                return
            else:
                self.pace.touch()


def widened(stats: Mapping[str, Any], last: float | None) -> dict[str, Any]:
    """Return the figures of the day with the last price in its range, which may be older."""
    if last is None or stats["high"] is None:
        return dict(stats)
    return {**stats, "high": max(stats["high"], last), "low": min(stats["low"], last)}


class IncrementalTicker(Ticker):
    """A snapshot, then the fields that changed."""

    def first(self) -> tuple[Publication, ...]:
        return self.opening({"type": "snapshot", **self._sent})

    def push(self) -> None:
        before, now = self._sent, self.fields()
        self._sent = now
        changed = {name: value for name, value in now.items() if before.get(name) != value}
        if changed.keys() - {"timestamp"}:
            whose = {"instrument_name": self.listed.name, "timestamp": now["timestamp"]}
            self.tell({"type": "change", **changed, **whose})
