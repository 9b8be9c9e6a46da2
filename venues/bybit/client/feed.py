"""The feed of Bybit: linear contracts over the public WebSocket, the past over REST."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from typing import Any, Final

import aiohttp

from venues.bybit.client.addresses import Addresses
from venues.bybit.client.books import BookCheck
from venues.bybit.client.parsing import (
    MINUTE_MS,
    contract_of,
    live_print,
    minutes_of,
    recent_print,
)
from venues.bybit.client.rest import Answered, ApiError, NoAnswerError, Rest, new_session
from venues.bybit.client.socket import Connection, DisconnectedError, connected
from venues.feeds.events import (
    Contract,
    Event,
    FeedError,
    Joined,
    Lost,
    Minute,
    OpenFeed,
    Print,
    Snapshot,
    Trades,
    UnavailableError,
)
from venues.feeds.following import pauses
from venues.feeds.kinds import Cause
from venues.feeds.numbering import SkippedError

CATEGORY: Final = "linear"
PUBLIC: Final = f"/v5/public/{CATEGORY}"
PAGE: Final = 1_000
DEPTHS: Final = (50, 200, 500, 1000)
FIRST: Final = "first"
"""Id of the subscription to all topics."""


class BybitFeed:
    """Public market data of one Bybit (venues.feeds.events.Feed)."""

    def __init__(self, session: aiohttp.ClientSession, addresses: Addresses) -> None:
        self._session = session
        self._rest = Rest(session, addresses.rest)
        self._url = f"{addresses.sockets}{PUBLIC}"

    async def contract(self, symbol: str) -> Contract:
        answer = await self._read("/v5/market/instruments-info", symbol=symbol)
        return contract_of(symbol, answer.result["list"])

    async def recent(self, contract: Contract) -> list[Print]:
        answer = await self._read("/v5/market/recent-trade", symbol=contract.symbol, limit=PAGE)
        rows = reversed(answer.result["list"])
        return [recent_print(contract.lattice, row) for row in rows]

    async def minutes(self, contract: Contract, since: int) -> list[Minute]:
        """Return the candles after `since`; where the venue was closed, the next ones."""
        query: dict[str, Any] = {"symbol": contract.symbol, "interval": "1", "limit": PAGE}
        start_ms = since // 1_000 + MINUTE_MS
        while True:
            span = {"start": start_ms, "end": start_ms + PAGE * MINUTE_MS - 1} if since else {}
            answer = await self._read("/v5/market/kline", **query, **span)
            found = minutes_of(contract.lattice, answer.result["list"], answer.at_ms)
            start_ms += PAGE * MINUTE_MS
            if found or not since or start_ms > answer.at_ms:
                return found

    async def events(self, contract: Contract, depth: int) -> AsyncGenerator[Event, None]:
        waits = pauses()
        while True:
            try:
                async with (
                    connected(self._session, self._url) as connection,
                    aclosing(Subscription(connection, contract, depth).events()) as events,
                ):
                    async for event in events:
                        if isinstance(event, Snapshot):
                            waits = pauses()  # it works: after the next failure, try at once
                        yield event
            except DisconnectedError as error:
                yield Lost(Cause.DISCONNECTED, str(error))
            await asyncio.sleep(next(waits))

    async def _read(self, path: str, **query: Any) -> Answered:
        try:
            return await self._rest.get(path, category=CATEGORY, **query)
        except NoAnswerError as error:
            raise UnavailableError(str(error)) from error
        except ApiError as error:
            if error.code == 10001:
                raise FeedError(f"Bybit refuses {path}: {error}") from error
            raise UnavailableError(f"{path}: {error}") from error


class Subscription:
    """What one connection says of an instrument."""

    def __init__(self, connection: Connection, contract: Contract, depth: int) -> None:
        self._connection = connection
        self._lattice = contract.lattice
        self._book_topic = f"orderbook.{depth}.{contract.symbol}"
        self._trade_topic = f"publicTrade.{contract.symbol}"
        self._book = BookCheck(contract.lattice)

    async def events(self) -> AsyncGenerator[Event, None]:
        """Subscribe and follow; raise DisconnectedError."""
        topics = [self._book_topic, self._trade_topic]
        await self._connection.say("subscribe", topics, req_id=FIRST)
        while True:
            message = await self._connection.hear()
            try:
                event = self._read(message)
            except SkippedError as error:
                yield Lost(Cause.SKIPPED, str(error))
                await self._read_book_again()
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                raise DisconnectedError(f"a message is malformed: {error!r}") from error
            else:
                if event is not None:
                    yield event

    def _read(self, message: dict[str, Any]) -> Event | None:
        topic = message.get("topic")
        if topic == self._book_topic:
            return self._book.take(message)
        if topic == self._trade_topic:
            return Trades([live_print(self._lattice, row) for row in message["data"]])
        if message.get("op") != "subscribe":
            return None
        if not message["success"]:
            raise DisconnectedError(f"subscription refused: {message['ret_msg']}")
        return Joined() if message.get("req_id") == FIRST else None

    async def _read_book_again(self) -> None:
        self._book.forget()
        await self._connection.say("unsubscribe", [self._book_topic], req_id="leave")
        await self._connection.say("subscribe", [self._book_topic], req_id="again")


def opener(addresses: Addresses) -> OpenFeed:
    """Return what opens feeds of one Bybit."""
    return partial(_opened, addresses)


def _opened(addresses: Addresses) -> AbstractAsyncContextManager[BybitFeed]:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[BybitFeed, None]:
        async with new_session() as session:
            yield BybitFeed(session, addresses)

    return opened()
