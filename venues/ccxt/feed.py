"""The feed of any venue that ccxt.pro follows: trades and books as ccxt hands them out."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import ccxt.pro

from exchange.engine.messages import BUY, SELL
from venues.ccxt import exchanges
from venues.ccxt.exchanges import decimal, explained
from venues.feeds.events import (
    Contract,
    Event,
    FeedError,
    Joined,
    Level,
    Lost,
    Minute,
    OpenFeed,
    Print,
    Snapshot,
    Trades,
    UnavailableError,
    count,
    key_of,
)
from venues.feeds.following import pauses
from venues.feeds.kinds import Cause
from venues.feeds.numbering import SkippedError

PAGE: Final = 1_000
MINUTE_MS: Final = 60_000
SIDES: Final = {"buy": BUY, "sell": SELL}


class CcxtFeed:
    """Public market data through ccxt (venues.feeds.events.Feed)."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange

    async def contract(self, symbol: str) -> Contract:
        return await exchanges.contract_of(self._exchange, symbol)

    async def recent(self, contract: Contract) -> list[Print]:
        rows = await self._read(self._exchange.fetch_trades, contract.symbol, None, PAGE)
        return [print_of(contract, row) for row in sorted(rows, key=_time_of)]

    async def minutes(self, contract: Contract, since: int) -> list[Minute]:
        if not self._exchange.has.get("fetchOHLCV"):
            return []
        start_ms = since // 1_000 + MINUTE_MS if since else None
        ask = self._exchange.fetch_ohlcv
        rows = await self._read(ask, contract.symbol, "1m", start_ms, PAGE)
        open_from = self._exchange.milliseconds() - MINUTE_MS
        return [minute_of(contract, row) for row in rows if row[0] <= open_from]

    async def events(self, contract: Contract, depth: int) -> AsyncGenerator[Event, None]:
        """Follow trades and book; after any error, begin again."""
        waits = pauses()
        while True:
            following = _Following(self._exchange, contract, depth)
            try:
                async for event in following.events():
                    if isinstance(event, Snapshot):
                        waits = pauses()
                    yield event
            except ccxt.OperationFailed as error:
                yield Lost(Cause.DISCONNECTED, explained(error))
            except ccxt.BaseError as error:
                raise FeedError(f"{self._exchange.id}: {explained(error)}") from error
            except (CrossedError, SkippedError) as error:
                yield Lost(Cause.SKIPPED, str(error))
            await self._exchange.close()
            await asyncio.sleep(next(waits))

    async def _read(self, request: Any, *arguments: Any) -> Sequence[Any]:
        try:
            found: Sequence[Any] = await request(*arguments)
        except ccxt.OperationFailed as error:
            raise UnavailableError(explained(error)) from error
        except ccxt.BaseError as error:
            raise FeedError(f"{self._exchange.id}: {explained(error)}") from error
        return found


class CrossedError(Exception):
    """The best bid is not below the best ask: deltas were lost."""


class _Following:
    """One subscription to the trades and the book of a market."""

    def __init__(self, exchange: Any, contract: Contract, depth: int) -> None:
        self._exchange = exchange
        self._contract = contract
        self._depth = depth
        self._queue: asyncio.Queue[Event | Exception] = asyncio.Queue(PAGE)

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield what arrives; raise the first error of either stream."""
        tasks = [asyncio.create_task(each) for each in (self._trades(), self._books())]
        try:
            yield Joined()  # what came before; the subscription itself is confirmed by a trade
            while True:
                event = await self._queue.get()
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _trades(self) -> None:
        is_first = True
        try:
            while True:
                rows = await self._exchange.watch_trades(self._contract.symbol)
                if is_first:
                    await self._queue.put(Joined())
                is_first = False
                prints = [print_of(self._contract, row) for row in rows]
                await self._queue.put(Trades(prints))
        except Exception as error:  # events() raises it again
            await self._queue.put(error)

    async def _books(self) -> None:
        try:
            while True:
                book = await self._exchange.watch_order_book(self._contract.symbol, self._depth)
                await self._queue.put(self._snapshot(book))
        except Exception as error:  # events() raises it again
            await self._queue.put(error)

    def _snapshot(self, book: Any) -> Snapshot:
        """Return the book as it is now: ccxt changes the same object with the next message."""
        levels = []
        for name, side in (("bids", BUY), ("asks", SELL)):
            for price, amount, *_ in book[name][: self._depth]:
                levels.append(_level(self._contract, side, price, amount))
        bids = [each.ticks for each in levels if each.side == BUY]
        asks = [each.ticks for each in levels if each.side == SELL]
        if bids and asks and bids[0] >= asks[0]:
            raise CrossedError(f"best bid {bids[0]} ticks, best ask {asks[0]} ticks")
        at_ms = book["timestamp"] or self._exchange.milliseconds()
        return Snapshot(int(at_ms) * 1_000, levels)


def print_of(contract: Contract, row: Any) -> Print:
    """Return a trade; raise FeedError if ccxt does not say who the aggressor was."""
    if row["side"] not in SIDES:
        raise FeedError(f"{contract.symbol}: the venue does not name the side of the aggressor")
    text = row["id"] or f"{row['timestamp']} {row['price']} {row['amount']} {row['side']}"
    return Print(
        key=key_of(str(text)),
        at=int(row["timestamp"]) * 1_000,
        ticks=count(contract.lattice.tick_size, str(decimal(row["price"])), "price"),
        lots=count(contract.lattice.lot_size, str(decimal(row["amount"])), "amount"),
        side=SIDES[row["side"]],
    )


def minute_of(contract: Contract, row: Sequence[Any]) -> Minute:
    at_ms, *prices, volume = row
    step = contract.lattice.tick_size
    opening, high, low, close = (count(step, str(decimal(each)), "price") for each in prices)
    # Volumes are sums of floats at some venues: the nearest lot.
    lots = int((decimal(volume) / contract.lattice.lot_size).to_integral_value())
    return Minute(int(at_ms) * 1_000, opening, high, low, close, lots)


def _level(contract: Contract, side: int, price: Any, amount: Any) -> Level:
    lattice = contract.lattice
    ticks = count(lattice.tick_size, str(decimal(price)), "price")
    return Level(side, ticks, count(lattice.lot_size, str(decimal(amount)), "amount"))


def _time_of(row: Any) -> int:
    return int(row["timestamp"])


def opener(exchange_id: str, url: str | None) -> OpenFeed:
    """Return what opens feeds of an exchange; raise FeedError for one that does not exist."""
    exchanges.check(exchange_id)
    settings = exchanges.settings_of(exchange_id, url)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[CcxtFeed, None]:
        async with exchanges.opened(exchange_id, settings) as exchange:
            yield CcxtFeed(exchange)

    def open_feed() -> AbstractAsyncContextManager[CcxtFeed]:
        return opened()

    return open_feed
