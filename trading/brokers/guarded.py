"""A broker behind a circuit breaker and rate limits, per venue and kind of request.

The breaker (purgatory) opens after repeated failures and then refuses at once, so that a venue in
trouble is not asked again and again; after a pause one request tries it. The limits (aiolimiter)
make requests wait, for a bounded time. A refusal by the venue is an answer, not a failure.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeVar

from aiolimiter import AsyncLimiter
from prometheus_client import Counter
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.messages.events import ContextChanged
from purgatory.domain.model import OpenedState

from trading.brokers.rates import EXCHANGE, Rate
from trading.tracing import stage
from venues.brokers import (
    Balance,
    Broker,
    Cursor,
    ExecutionSeen,
    Instruction,
    NotSentError,
    OrderSeen,
    PaymentSeen,
    PositionSeen,
    RefusedError,
)

R = TypeVar("R")


FAILURES: Final = 5
"""In a row, which open a circuit."""
PAUSE_S: Final = 10.0
"""How long a circuit stays open before one request tries the venue again."""
LONGEST_WAIT_S: Final = 5.0
"""For a turn under a rate limit."""
CIRCUITS: Final = Counter(
    "trading_circuit_changes_total", "Changes of circuit breakers", ["circuit", "state"]
)
LIMITED: Final = Counter(
    "trading_rate_limited_total", "Requests that found no turn in time", ["venue", "kind"]
)


class GuardedBroker:
    """Satisfies venues.brokers.Broker; every request passes limiter and breaker first."""

    def __init__(
        self, broker: Broker, rates: Mapping[str, Rate] = EXCHANGE, pause_s: float = PAUSE_S
    ) -> None:
        self._broker = broker
        self._limiters = {kind: AsyncLimiter(*rate) for kind, rate in rates.items()}
        self._circuits = AsyncCircuitBreakerFactory(
            default_threshold=FAILURES,
            default_ttl=pause_s,
            exclude=[RefusedError, asyncio.CancelledError],
        )
        self._circuits.add_listener(_count)
        self._breakers: dict[str, AbstractAsyncContextManager[object]] = {}

    @property
    def name(self) -> str:
        return self._broker.name

    async def place(self, order: Instruction) -> OrderSeen:
        return await self._guarded("place", lambda: self._broker.place(order))

    async def amend(self, client_id: str, *, lots: int, ticks: int) -> OrderSeen:
        return await self._guarded(
            "amend", lambda: self._broker.amend(client_id, lots=lots, ticks=ticks)
        )

    async def cancel(self, client_id: str) -> OrderSeen:
        return await self._guarded("cancel", lambda: self._broker.cancel(client_id))

    async def cancel_all(self, symbol: str = "") -> None:
        await self._guarded("cancel", lambda: self._broker.cancel_all(symbol))

    async def order(self, client_id: str) -> OrderSeen:
        return await self._guarded("order", lambda: self._broker.order(client_id))

    async def open_orders(self) -> Sequence[OrderSeen]:
        return await self._guarded("order", self._broker.open_orders)

    async def executions(self, since: int) -> Sequence[ExecutionSeen]:
        return await self._guarded("account", lambda: self._broker.executions(since))

    async def positions(self) -> Sequence[PositionSeen]:
        return await self._guarded("account", self._broker.positions)

    async def payments(self, since: int) -> Sequence[PaymentSeen] | None:
        return await self._guarded("account", lambda: self._broker.payments(since))

    async def balance(self) -> Balance:
        return await self._guarded("account", self._broker.balance)

    def changes(self, since: Cursor) -> AsyncIterator[OrderSeen | ExecutionSeen]:
        """Follow the account, unguarded: it is one request that never ends."""
        return self._broker.changes(since)

    async def _guarded(self, kind: str, request: Callable[[], Awaitable[R]]) -> R:
        """Make a request in its turn, unless the circuit is open; raise BrokerError."""
        await self._turn(kind)
        breaker = self._breakers.get(kind) or await self._breaker(kind)
        try:
            async with breaker:
                with stage(self.name, kind):
                    return await request()
        except OpenedState as error:
            raise NotSentError(
                f"circuit {self.name}.{kind} is open after {FAILURES} failures: it closes again "
                "once the venue answers"
            ) from error

    async def _breaker(self, kind: str) -> AbstractAsyncContextManager[object]:
        """Return the circuit breaker of a kind: looking it up costs more than passing it."""
        found = self._breakers[kind] = await self._circuits.get_breaker(f"{self.name}.{kind}")
        return found

    async def _turn(self, kind: str) -> None:
        limiter = self._limiters[kind]
        if limiter.has_capacity():
            await limiter.acquire()  # at once: only those who wait need a time-out
            return
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                await limiter.acquire()
        except TimeoutError:
            LIMITED.labels(self.name, kind).inc()
            raise NotSentError(
                f"no turn for {kind} at {self.name} within {LONGEST_WAIT_S:g} s: send less"
            ) from None


def _count(name: str, _: str, event: Any) -> None:
    """Count a change of a circuit (a listener of purgatory)."""
    if isinstance(event, ContextChanged):
        CIRCUITS.labels(name, event.state).inc()
