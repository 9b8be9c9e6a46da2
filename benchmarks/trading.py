"""Parts of the trading core: state machines, idempotency, audit log, breaker and limiter.

python -m benchmarks.trading, for PostgreSQL under scripts/services.py; BENCH_OPERATIONS=2000
"""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

import numpy as np
from django.db import connection
from django.utils import timezone

from benchmarks.harness import report, scratch_market
from exchange.models import Account
from trading import auditlog
from trading.brokers.guarded import GuardedBroker
from trading.brokers.inprocess import ExchangeBroker
from trading.brokers.rates import EXCHANGE, Rate
from trading.core.orderstates import OrderEvent, OrderFacts, OrderLife
from trading.operations import once
from venues.brokers import Balance

OPERATIONS: Final = int(os.environ.get("BENCH_OPERATIONS", "2000"))
CHECKS: Final = 200_000
FACTS: Final = OrderFacts(lots=5)


def percentiles(act: Callable[[int], object], count: int) -> str:
    """Return how long a call takes, in milliseconds: half of them, and 99 of 100."""
    taken = []
    for n in range(count):
        begun = time.perf_counter()
        act(n)
        taken.append(time.perf_counter() - begun)
    half, most = np.percentile(taken, [50, 99]) * 1000
    return f"p50 {half:.3f}, p99 {most:.3f}"


def operation(n: int) -> object:
    return once(
        scope="user 1", operation="close", parameters={"position": n}, carry_out=lambda: {"id": n}
    )


def entry(n: int) -> object:
    return auditlog.append(
        actor="bot b1", action="place", detail={"client_id": str(n)}, at=timezone.now(), bot=1
    )


def transition(_: int) -> object:
    return OrderLife(facts=FACTS).after(OrderEvent.ACCEPTED, FACTS)


class Instant(ExchangeBroker):
    """Answers at once: what remains is the cost of breaker and limiter."""

    async def balance(self) -> Balance:
        return BALANCE


BALANCE: Final = Balance(balance=0, equity=0, available=0)


async def checks() -> float:
    """Return the requests per second of CPU that pass breaker, limiter and metrics."""
    rates = {kind: Rate(1e9, 1) for kind in EXCHANGE}
    broker = GuardedBroker(Instant(Account()), rates)
    await broker.balance()
    begun = time.process_time()
    for _ in range(CHECKS):
        await broker.balance()
    return CHECKS / (time.process_time() - begun)


def main() -> None:
    with scratch_market():
        entry(-1)
        figures = {
            "database": connection.vendor,
            "transition of an order, ms": percentiles(transition, 10 * OPERATIONS),
            "idempotent operation, ms": percentiles(operation, OPERATIONS),
            "its repeat, ms": percentiles(operation, OPERATIONS),
            "audit entry, ms": percentiles(entry, OPERATIONS),
            "breaker and limiter, checks per second of CPU": round(asyncio.run(checks())),
            "load average": round(os.getloadavg()[0], 1),
        }
    report("trading", figures)


if __name__ == "__main__":
    main()
