"""The changes of an account, as they happen: messages wake, REST says what changed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

import ccxt
import structlog

from venues.accountprogress import Change, Progress
from venues.brokers import Cursor, NotSentError, RefusedError
from venues.ccxt.account import PAGE, AccountReader
from venues.ccxt.exchanges import explained
from venues.feeds.following import pauses

logger = structlog.get_logger(__name__)

CHECK_S: Final = 30.0
"""Between two comparisons with REST: a message may be lost without a sign."""
News = asyncio.Queue[Exception | None]
"""None for each message, or the error that ended a stream."""


class AccountStream:
    """Follows the private streams of an exchange of ccxt.pro."""

    def __init__(self, exchange: Any, account: AccountReader) -> None:
        self._exchange = exchange
        self._account = account

    async def changes(self, since: Cursor) -> AsyncGenerator[Change, None]:
        """Yield what came after `since` and what comes, through disconnections."""
        progress, waits = Progress(since), pauses()
        while True:
            news: News = asyncio.Queue(PAGE)
            tasks = [asyncio.create_task(each) for each in self._watchers(news)]
            try:
                while True:
                    for change in await self._unseen(progress):
                        waits = pauses()
                        yield change
                    await heard(news)
            except (ccxt.OperationFailed, NotSentError) as error:
                logger.warning("account stream interrupted", reason=explained(error))
            except ccxt.BaseError as error:
                raise RefusedError(explained(error)) from error
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(next(waits))

    def _watchers(self, news: News) -> list[Coroutine[Any, Any, None]]:
        """Return what waits for messages."""

        async def watch(wait: Callable[[], Any]) -> None:
            try:
                while True:
                    await wait()
                    await news.put(None)
            except Exception as error:  # heard() raises it again
                await news.put(error)

        return [watch(self._exchange.watch_orders), watch(self._exchange.watch_my_trades)]

    async def _unseen(self, progress: Progress) -> list[Change]:
        """Return the changes that were not passed on, executions before their orders."""
        since_ms = progress.orders_from_ms
        orders = [
            self._account.seen(row)
            for contract in self._account.contracts.values()
            async for row in self._account.orders(contract)
        ]
        executions = await self._account.executions(progress.executions_from)
        found: list[Change] = [each for each in executions if progress.is_new(each)]
        for order in sorted(orders, key=lambda each: each.report.number):
            if order.report.number >= since_ms:
                if progress.includes_unseen(order):
                    of_order = await self._account.executions_of(order)
                    found += [each for each in of_order if progress.is_new(each)]
                found += [order] if progress.is_new(order) else []
        return found


async def heard(news: News) -> None:
    """Wait for messages, at most CHECK_S; raise the error that ended a stream."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CHECK_S):
            if (error := await news.get()) is not None:
                raise error
    while not news.empty():
        if (error := news.get_nowait()) is not None:
            raise error
