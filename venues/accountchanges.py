"""The changes of an account, each once: what its venue stores, then what its messages say. Pure."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from venues.accountprogress import Change, Progress
from venues.brokers import Cursor, ExecutionSeen, OrderSeen

CHECK_S: Final = 30.0
"""Between two comparisons with what the venue stores: a message may be lost without a sign."""
Row = Mapping[str, Any]
"""An order or an execution as its venue writes it."""


@dataclass(frozen=True)
class News:
    """What one message says."""

    orders: Sequence[Row] = ()
    executions: Sequence[Row] = ()


class AccountReader(Protocol):
    """Reads an account at a venue; `execution_of` returns None for a payment."""

    async def executions(self, since: int) -> list[ExecutionSeen]: ...

    async def executions_of(self, order_id: str) -> list[ExecutionSeen]: ...

    async def execution_of(self, row: Row) -> ExecutionSeen | None: ...

    async def changed_orders(self, since_ms: int) -> list[Row]: ...

    async def order_of(self, row: Row) -> OrderSeen: ...


class AccountChanges:
    """Follows an account through all of its connections."""

    def __init__(self, reader: AccountReader, since: Cursor) -> None:
        self._reader = reader
        self._progress = Progress(since)

    async def follow(self, hear: Callable[[], Awaitable[News]]) -> AsyncGenerator[Change, None]:
        """Yield new changes of one connection; `hear` returns what its next message says."""
        checked_at: float | None = None
        while True:
            if checked_at is None or time.monotonic() - checked_at >= CHECK_S:
                async for change in self._missed():
                    yield change
                checked_at = time.monotonic()
            news = await hear()
            for row in news.orders:
                async for change in self._order(row):
                    yield change
            for row in news.executions:
                seen = await self._reader.execution_of(row)
                if seen is not None and self._progress.is_new(seen):
                    yield seen

    async def _missed(self) -> AsyncIterator[Change]:
        since_ms = self._progress.orders_from_ms
        for seen in await self._reader.executions(self._progress.executions_from):
            if self._progress.is_new(seen):
                yield seen
        for row in await self._reader.changed_orders(since_ms):
            async for change in self._order(row):
                yield change

    async def _order(self, row: Row) -> AsyncIterator[Change]:
        """Yield an order, after the executions that it includes."""
        seen = await self._reader.order_of(row)
        if self._progress.includes_unseen(seen):
            for execution in await self._reader.executions_of(seen.venue_id):
                if self._progress.is_new(execution):
                    yield execution
        if self._progress.is_new(seen):
            yield seen
