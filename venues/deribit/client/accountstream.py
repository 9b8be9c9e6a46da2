"""Changes of an account, without a hole: private channels, and reads for what they missed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Final

import structlog

from venues.accountchanges import AccountChanges, News
from venues.accountprogress import Change
from venues.brokers import Cursor, NotSentError, RefusedError
from venues.deribit.client import errors
from venues.deribit.client.account import AccountReader
from venues.deribit.client.accountrows import CURRENCY, KIND
from venues.deribit.client.listening import Listener, listening
from venues.deribit.client.session import NOT_NOW, Credentials
from venues.feeds.following import pauses

logger = structlog.get_logger(__name__)

ORDERS: Final = f"user.orders.{KIND}.{CURRENCY}.raw"
TRADES: Final = f"user.trades.{KIND}.{CURRENCY}.raw"


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
        changes, waits = AccountChanges(self._reader, since), pauses()
        while True:
            try:
                async with (
                    listening(self._url, self._credentials) as listener,
                    aclosing(changes.follow(partial(_news, listener))) as found,
                ):
                    await listener.subscribe([ORDERS, TRADES], access="private")
                    async for change in found:
                        waits = pauses()
                        yield change
            except (errors.LostError, errors.UnavailableError, NotSentError) as error:
                logger.warning("account stream interrupted", reason=str(error))
            except errors.RefusedError as error:
                if error.code not in NOT_NOW:
                    raise RefusedError(str(error)) from error
                logger.warning("account stream interrupted", reason=str(error))
            await asyncio.sleep(next(waits))


async def _news(listener: Listener) -> News:
    """Return what the next notification says."""
    heard = await listener.hear()
    rows = heard.data if isinstance(heard.data, list) else [heard.data]
    return News(orders=rows) if heard.channel == ORDERS else News(executions=rows)
