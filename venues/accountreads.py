"""What all brokers read in the same way: from the reader and the stream of their venue. Pure."""

from collections.abc import AsyncGenerator, Sequence
from typing import Generic, Protocol, TypeVar

from venues.accountprogress import Change
from venues.brokers import Balance, Cursor, ExecutionSeen, OrderSeen, PaymentSeen, PositionSeen


class Reader(Protocol):
    """Reads an account at a venue."""

    async def open_orders(self) -> Sequence[OrderSeen]: ...

    async def executions(self, since: int) -> Sequence[ExecutionSeen]: ...

    async def positions(self) -> Sequence[PositionSeen]: ...

    async def payments(self, since: int) -> Sequence[PaymentSeen] | None: ...

    async def balance(self) -> Balance: ...


class Stream(Protocol):
    """Follows an account at a venue."""

    def changes(self, since: Cursor) -> AsyncGenerator[Change, None]: ...


R = TypeVar("R", bound=Reader)


class AccountReads(Generic[R]):
    """The reading half of a broker (venues.brokers.Broker)."""

    def __init__(self, reader: R, stream: Stream) -> None:
        self._reader = reader
        self._stream = stream

    async def open_orders(self) -> Sequence[OrderSeen]:
        return await self._reader.open_orders()

    async def executions(self, since: int) -> Sequence[ExecutionSeen]:
        return await self._reader.executions(since)

    async def positions(self) -> Sequence[PositionSeen]:
        return await self._reader.positions()

    async def payments(self, since: int) -> Sequence[PaymentSeen] | None:
        return await self._reader.payments(since)

    async def balance(self) -> Balance:
        return await self._reader.balance()

    def changes(self, since: Cursor) -> AsyncGenerator[Change, None]:
        return self._stream.changes(since)
