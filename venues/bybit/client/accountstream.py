"""Changes of an account, without a hole: the private WebSocket, and REST for what it missed."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

import aiohttp
import structlog

from venues.accountprogress import Change, Progress
from venues.brokers import Cursor, NotSentError, RefusedError
from venues.bybit.client.account import AccountReader, Row
from venues.bybit.client.rest import Credentials
from venues.bybit.client.socket import Connection, DisconnectedError, connected
from venues.bybit.signing import login_text, signature
from venues.feeds.following import pauses

logger = structlog.get_logger(__name__)

TOPICS: Final = ("order", "execution")
LOGIN_LASTS_MS: Final = 10_000
ANSWER_S: Final = 10.0
CHECK_S: Final = 30.0
"""Between two comparisons with REST: a message may be lost without a sign."""


class AccountStream:
    """Follows one account."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        credentials: Credentials,
        reader: AccountReader,
    ) -> None:
        self._session = session
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
                    connected(self._session, self._url) as connection,
                    aclosing(self._follow(connection, progress)) as changes,
                ):
                    await self._log_in(connection)
                    async for change in changes:
                        waits = pauses()
                        yield change
            except (DisconnectedError, NotSentError) as error:
                logger.warning("account stream interrupted", reason=str(error))
            await asyncio.sleep(next(waits))

    async def _log_in(self, connection: Connection) -> None:
        expires = self._reader.now_ms() + LOGIN_LASTS_MS
        proof = signature(self._credentials.secret, login_text(str(expires)))
        await connection.say("auth", [self._credentials.key, expires, proof])
        await _answer(connection, "auth")
        await connection.say("subscribe", TOPICS, req_id="topics")
        await _answer(connection, "subscribe")

    async def _follow(
        self, connection: Connection, progress: Progress
    ) -> AsyncGenerator[Change, None]:
        """Yield new changes: first those that REST knows, then those of messages."""
        checked_at = 0.0
        while True:
            if time.monotonic() - checked_at >= CHECK_S:
                async for change in self._missed(progress):
                    yield change
                checked_at = time.monotonic()
            message = await connection.hear()
            for row in message.get("data", ()) if message.get("topic") in TOPICS else ():
                async for change in self._told(message["topic"], row, progress):
                    yield change

    async def _missed(self, progress: Progress) -> AsyncIterator[Change]:
        since_ms = progress.orders_from_ms
        for seen in await self._reader.executions(progress.executions_from):
            if progress.is_new(seen):
                yield seen
        for row in await self._reader.changed_orders(since_ms):
            async for change in self._order(row, progress):
                yield change

    async def _told(self, topic: str, row: Row, progress: Progress) -> AsyncIterator[Change]:
        if topic == "order":
            async for change in self._order(row, progress):
                yield change
            return
        seen = await self._reader.execution_of(row)
        if seen is not None and progress.is_new(seen):
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


async def _answer(connection: Connection, op: str) -> None:
    """Wait for the reply to an operation; raise RefusedError or DisconnectedError."""
    try:
        async with asyncio.timeout(ANSWER_S):
            while (message := await connection.hear()).get("op") != op:
                pass
    except TimeoutError as error:
        raise DisconnectedError(f"no reply to {op} within {ANSWER_S:g} s") from error
    if not message.get("success"):
        raise RefusedError(f"Bybit refuses {op}: {message.get('ret_msg')}")
