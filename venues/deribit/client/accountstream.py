"""Changes of an account, without a hole: private channels, and reads for what they missed."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

import structlog

from venues.accountprogress import Change, Progress
from venues.brokers import Cursor, NotSentError, RefusedError
from venues.deribit.client import errors
from venues.deribit.client.account import AccountReader, Row
from venues.deribit.client.accountrows import CURRENCY, KIND
from venues.deribit.client.listening import Listener, listening
from venues.deribit.client.session import NOT_NOW, Credentials
from venues.feeds.following import pauses

logger = structlog.get_logger(__name__)

ORDERS: Final = f"user.orders.{KIND}.{CURRENCY}.raw"
TRADES: Final = f"user.trades.{KIND}.{CURRENCY}.raw"
CHECK_S: Final = 30.0
"""Between two comparisons with what the venue stores: a message may be lost without a sign."""


class AccountStream:
    """Follows one account."""

    def __init__(self, url: str, credentials: Credentials, reader: AccountReader) -> None:
        self._url = url
        self._credentials = credentials
        self._reader = reader

    async def changes(self, since: Cursor) -> AsyncGenerator[Change, None]:
        """Yield what came after `since` and what comes, through disconnections.

        Raise RefusedError if the venue does not let this key in.
        """
        progress, waits = Progress(since), pauses()
        while True:
            try:
                async with (
                    listening(self._url, self._credentials) as listener,
                    aclosing(self._follow(listener, progress)) as changes,
                ):
                    await listener.subscribe([ORDERS, TRADES], access="private")
                    async for change in changes:
                        waits = pauses()
                        yield change
            except (errors.LostError, errors.UnavailableError, NotSentError) as error:
                logger.warning("account stream interrupted", reason=str(error))
            except errors.RefusedError as error:
                if error.code not in NOT_NOW:
                    raise RefusedError(str(error)) from error
                logger.warning("account stream interrupted", reason=str(error))
            await asyncio.sleep(next(waits))

    async def _follow(self, listener: Listener, progress: Progress) -> AsyncGenerator[Change, None]:
        """Yield new changes: first those that the venue stores, then those of messages."""
        checked_at = 0.0
        while True:
            if not checked_at or time.monotonic() - checked_at >= CHECK_S:
                async for change in self._missed(progress):
                    yield change
                checked_at = time.monotonic()
            news = await listener.hear()
            for row in news.data if isinstance(news.data, list) else [news.data]:
                async for change in self._told(news.channel, row, progress):
                    yield change

    async def _missed(self, progress: Progress) -> AsyncIterator[Change]:
        since_ms = progress.orders_from_ms
        for seen in await self._reader.executions(progress.executions_from):
            if progress.is_new(seen):
                yield seen
        for row in await self._reader.changed_orders(since_ms):
            async for change in self._order(row, progress):
                yield change

    async def _told(self, channel: str, row: Row, progress: Progress) -> AsyncIterator[Change]:
        if channel == ORDERS:
            async for change in self._order(row, progress):
                yield change
            return
        seen = await self._reader.execution_of(row)
        if progress.is_new(seen):
            yield seen

    async def _order(self, row: Row, progress: Progress) -> AsyncIterator[Change]:
        """Yield an order, after the executions that it includes."""
        seen = await self._reader.order_of(row)
        if progress.includes_unseen(seen):
            for execution in await self._reader.executions_of(seen.venue_id):
                if progress.is_new(execution):
                    yield execution
        if progress.is_new(seen):
            yield seen
