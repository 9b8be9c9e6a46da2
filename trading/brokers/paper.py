"""The paper broker: a PaperVenue behind the interface of all brokers.

Whoever has market data feeds `venue`, in the thread of the event loop, and calls `wake` after it.
Nothing is stored: after a restart the venue is empty, and recovery finds its orders unknown.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Final

from trading.brokers.papervenue import PaperVenue
from venues.brokers import (
    Balance,
    Cursor,
    ExecutionSeen,
    Instruction,
    OrderSeen,
    PositionSeen,
    UnknownOutcomeError,
)

TIMEOUT_S: Final = 5.0


class PaperBroker:
    """Satisfies venues.brokers.Broker. `clock` is the time of the market data."""

    name = "paper"

    def __init__(
        self, venue: PaperVenue, clock: Callable[[], int], timeout_s: float = TIMEOUT_S
    ) -> None:
        self.venue = venue
        self._clock = clock
        self._timeout_s = timeout_s
        self._fed = asyncio.Condition()

    async def wake(self) -> None:
        """Execute what has arrived, and wake those who wait for it."""
        self.venue.advance(self._clock())
        async with self._fed:
            self._fed.notify_all()

    async def place(self, order: Instruction) -> OrderSeen:
        self.venue.place(order, self._clock())
        await self._until(lambda: not self.venue.is_waiting(order.client_id), order.client_id)
        return self.venue.order(order.client_id)

    async def amend(self, client_id: str, *, lots: int, ticks: int) -> OrderSeen:
        self.venue.amend(client_id, lots, ticks, self._clock())
        return await self._after_latency(client_id)

    async def cancel(self, client_id: str) -> OrderSeen:
        self.venue.cancel(client_id, self._clock())
        return await self._after_latency(client_id)

    async def cancel_all(self, symbol: str = "") -> None:
        for seen in self.venue.open_orders(symbol):
            self.venue.cancel(seen.client_id, self._clock())
        await self._after_latency("")

    async def order(self, client_id: str) -> OrderSeen:
        return self.venue.order(client_id)

    async def open_orders(self) -> list[OrderSeen]:
        return self.venue.open_orders()

    async def executions(self, since: int) -> list[ExecutionSeen]:
        fills = (each for each in self.venue.changes if isinstance(each, ExecutionSeen))
        return [each for each in fills if each.number > since]

    async def positions(self) -> list[PositionSeen]:
        return self.venue.positions()

    async def balance(self) -> Balance:
        return self.venue.balance()

    async def changes(self, since: Cursor) -> AsyncGenerator[OrderSeen | ExecutionSeen, None]:
        """Follow the account; executions come before the order that includes them."""
        read = 0
        while True:
            while read < len(self.venue.changes):
                change = self.venue.changes[read]
                read += 1
                if _is_after(change, since):
                    yield change
            async with self._fed:
                await self._fed.wait_for(partial(self._has_more, read))

    def _has_more(self, read: int) -> bool:
        return len(self.venue.changes) > read

    async def _after_latency(self, client_id: str) -> OrderSeen:
        due = self.venue.arrival(self._clock())
        await self._until(lambda: self._clock() >= due, client_id)
        self.venue.advance(self._clock())
        return self.venue.order(client_id)

    async def _until(self, is_done: Callable[[], bool], client_id: str) -> None:
        """Wait until market data have carried a request to its arrival."""
        self.venue.advance(self._clock())
        try:
            async with asyncio.timeout(self._timeout_s), self._fed:
                await self._fed.wait_for(is_done)
        except TimeoutError:
            raise UnknownOutcomeError(
                f"the request for {client_id or 'all orders'} has not arrived within "
                f"{self._timeout_s:g} s"
            ) from None


def _is_after(change: OrderSeen | ExecutionSeen, since: Cursor) -> bool:
    if isinstance(change, ExecutionSeen):
        return change.number > since.executions
    return change.report.number > since.orders
