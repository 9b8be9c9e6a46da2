"""Changes of an account, without a hole: the private WebSocket, and REST for what it missed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Final

import aiohttp
import structlog

from venues.accountchanges import AccountChanges, News
from venues.accountprogress import Change
from venues.brokers import Cursor, NotSentError, RefusedError
from venues.bybit.client.account import AccountReader
from venues.bybit.client.rest import Credentials
from venues.bybit.client.socket import Connection, DisconnectedError, connected
from venues.bybit.signing import login_text, signature
from venues.feeds.following import pauses

logger = structlog.get_logger(__name__)

ORDERS: Final = "order"
TOPICS: Final = (ORDERS, "execution")
LOGIN_LASTS_MS: Final = 10_000
ANSWER_S: Final = 10.0


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
        changes, waits = AccountChanges(self._reader, since), pauses()
        while True:
            try:
                async with (
                    connected(self._session, self._url) as connection,
                    aclosing(changes.follow(partial(_news, connection))) as found,
                ):
                    await self._log_in(connection)
                    async for change in found:
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


async def _news(connection: Connection) -> News:
    """Return what the next message says; raise DisconnectedError."""
    message = await connection.hear()
    if message.get("topic") not in TOPICS:
        return News()
    rows = message.get("data", ())
    return News(orders=rows) if message["topic"] == ORDERS else News(executions=rows)


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
