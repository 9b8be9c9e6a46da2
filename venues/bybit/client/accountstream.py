"""Changes of an account, without a hole: the private WebSocket, and REST for what it missed."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import aiohttp
import structlog

from venues.brokers import Cursor, ExecutionSeen, NotSentError, OrderSeen, RefusedError
from venues.bybit.client.account import AccountReader, Row
from venues.bybit.client.accountrows import first_number, time_of
from venues.bybit.client.rest import Credentials
from venues.bybit.client.socket import Connection, DisconnectedError, connected
from venues.bybit.signing import login_text, signature
from venues.feeds.following import pauses

logger = structlog.get_logger(__name__)

TOPICS: Final = ("order", "execution")
LOGIN_LASTS_MS: Final = 10_000
CHECK_S: Final = 30.0
"""Between two comparisons with REST: a message may be lost without a sign."""
OVERLAP_MS: Final = 5_000
"""Changes may become visible a little later than their times."""
REMEMBERED: Final = 10_000
Change = OrderSeen | ExecutionSeen


class Progress:
    """What was passed on: executions by their numbers, the last state and fills of orders."""

    def __init__(self, since: Cursor) -> None:
        self.orders_ms = since.orders
        self.execution = since.executions
        self._executions: OrderedDict[int, None] = OrderedDict()
        self._orders: OrderedDict[str, tuple[Any, ...]] = OrderedDict()
        self._filled: OrderedDict[str, int] = OrderedDict()
        """Lots of each order in the executions that were passed on, by the orders' client ids."""

    def is_new(self, change: Change) -> bool:
        """Return whether a change was not passed on; from now on it was."""
        if isinstance(change, ExecutionSeen):
            return self._is_new_execution(change)
        report = change.report
        state = (report.number, report.filled, report.lots, report.ticks, report.state)
        last = self._orders.get(change.venue_id)
        if last is not None and (last == state or state[:2] < last[:2]):
            return False
        _remember(self._orders, change.venue_id, state)
        self.orders_ms = max(self.orders_ms, report.number)
        return True

    def _is_new_execution(self, seen: ExecutionSeen) -> bool:
        if seen.number in self._executions:
            return False
        _remember(self._executions, seen.number, None)
        _remember(self._filled, seen.client_id, self.filled(seen.client_id) + seen.lots)
        self.execution = max(self.execution, seen.number)
        return True

    def filled(self, client_id: str) -> int:
        """Return the lots of an order in the executions that were passed on."""
        return self._filled.get(client_id, 0)


def _remember(known: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > REMEMBERED:
        known.popitem(last=False)


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
        since_ms = max(0, progress.orders_ms - OVERLAP_MS)
        executed_ms = max(0, time_of(progress.execution) - OVERLAP_MS)
        for seen in await self._reader.executions(first_number(executed_ms)):
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
        if seen.report.filled > progress.filled(seen.client_id):
            for execution in await self._reader.executions_of(seen.venue_id):
                if progress.is_new(execution):
                    yield execution
        if progress.is_new(seen):
            yield seen


async def _answer(connection: Connection, op: str) -> None:
    """Wait for the reply to an operation; raise RefusedError."""
    while True:
        message = await connection.hear()
        if message.get("op") == op:
            if not message.get("success"):
                raise RefusedError(f"Bybit refuses {op}: {message.get('ret_msg')}")
            return
