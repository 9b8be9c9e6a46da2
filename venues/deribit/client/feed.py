"""The feed of Deribit: linear contracts, live and past over JSON-RPC on WebSockets."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from typing import Any, Final

from venues.deribit.client.books import BookCheck, SkippedError
from venues.deribit.client.errors import LostError, RefusedError, UnavailableError
from venues.deribit.client.listening import HEARTBEAT, Listener, News, listening
from venues.deribit.client.parsing import MINUTE_MS, contract_of, minutes_of, print_of
from venues.deribit.client.session import NOT_NOW, Session
from venues.feeds import events
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
)
from venues.feeds.following import pauses
from venues.feeds.kinds import Cause

PAGE: Final = 1_000


class DeribitFeed:
    """Public market data of one Deribit (venues.feeds.events.Feed)."""

    def __init__(self, url: str, session: Session) -> None:
        self._url = url
        self._session = session

    async def contract(self, symbol: str) -> Contract:
        return contract_of(await self._read("get_instrument", instrument_name=symbol))

    async def recent(self, contract: Contract) -> list[Print]:
        found = await self._read(
            "get_last_trades_by_instrument", instrument_name=contract.symbol, count=PAGE
        )
        return [print_of(contract.lattice, row) for row in reversed(found["trades"])]

    async def minutes(self, contract: Contract, since: int) -> list[Minute]:
        """Return the candles after `since`; where nothing was traded, the next ones."""
        now_ms = int(await self._read("get_time"))
        start_ms = since // 1_000 + MINUTE_MS if since else now_ms - PAGE * MINUTE_MS
        while True:
            end_ms = min(start_ms + PAGE * MINUTE_MS - 1, now_ms)
            chart = await self._read(
                "get_tradingview_chart_data", instrument_name=contract.symbol, resolution="1",
                start_timestamp=min(start_ms, now_ms), end_timestamp=end_ms,
            )  # fmt: skip
            found = minutes_of(contract.lattice, chart, now_ms)
            start_ms += PAGE * MINUTE_MS
            if found or start_ms > now_ms:
                return [each for each in found if each.opened_at > since]

    async def events(self, contract: Contract, depth: int) -> AsyncGenerator[Event, None]:
        """Follow trades and the whole book, whatever the depth."""
        waits = pauses()
        while True:
            try:
                async with (
                    listening(self._url) as listener,
                    aclosing(Subscription(listener, contract).events()) as found,
                ):
                    async for event in found:
                        if isinstance(event, Snapshot):
                            waits = pauses()  # it works: after the next failure, try at once
                        yield event
            except (LostError, UnavailableError) as error:
                yield Lost(Cause.DISCONNECTED, str(error))
            except RefusedError as error:
                if error.code not in NOT_NOW:
                    raise FeedError(str(error)) from error
                yield Lost(Cause.REFUSED, str(error))
            await asyncio.sleep(next(waits))

    async def _read(self, method: str, **params: Any) -> Any:
        try:
            return await self._session.read(f"public/{method}", params)
        except UnavailableError as error:
            raise events.UnavailableError(str(error)) from error
        except RefusedError as error:
            raise FeedError(f"{method}: {error}") from error


class Subscription:
    """What one connection says of an instrument."""

    def __init__(self, listener: Listener, contract: Contract) -> None:
        self._listener = listener
        self._lattice = contract.lattice
        self._book_channel = f"book.{contract.symbol}.100ms"
        self._trade_channel = f"trades.{contract.symbol}.100ms"
        self._book = BookCheck(contract.lattice)

    async def events(self) -> AsyncGenerator[Event, None]:
        """Subscribe and follow; raise LostError or RefusedError."""
        await self._listener.subscribe([self._trade_channel, self._book_channel])
        yield Joined()
        while True:
            news = await self._listener.hear()
            try:
                event = self._read(news)
            except SkippedError as error:
                yield Lost(Cause.SKIPPED, str(error))
                await self._read_book_again()
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                raise LostError(f"a message is malformed: {error!r}") from error
            else:
                if event is not None:
                    yield event

    def _read(self, news: News) -> Event | None:
        if news is HEARTBEAT:
            return None
        if news.channel == self._trade_channel:
            return Trades([print_of(self._lattice, row) for row in news.data])
        data: Mapping[str, Any] = news.data
        return self._book.take(data)

    async def _read_book_again(self) -> None:
        self._book.forget()
        await self._listener.call("public/unsubscribe", {"channels": [self._book_channel]})
        await self._listener.subscribe([self._book_channel])


def opener(url: str) -> OpenFeed:
    """Return what opens feeds of one Deribit."""
    return partial(_opened, url)


def _opened(url: str) -> AbstractAsyncContextManager[DeribitFeed]:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[DeribitFeed, None]:
        session = Session(url)
        try:
            yield DeribitFeed(url, session)
        finally:
            await session.close()

    return opened()
