"""The broker of the simulated exchange in this installation: commands and tables, no network.

Orders go the way of every door (exchange.accounts.submission). What the exchange has answered is
committed, so reading its tables is asking the venue.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import connection

from exchange.accounts import submission
from exchange.accounts.instruments import books
from exchange.accounts.listings import CAUSES
from exchange.accounts.results import WAIT_S, answered
from exchange.accounts.statement import statement
from exchange.clearing.commands import CommandKind
from exchange.clearing.orders import Cause, OrderType, State
from exchange.engine.messages import TimeInForce
from exchange.models import Account, Command, Execution, Order, OrderEvent
from instruments.models import Instrument
from trading.brokers.exchangerows import change_seen, execution_seen, order_seen
from venues.brokers import (
    Balance,
    Cursor,
    ExecutionSeen,
    Instruction,
    NotSentError,
    OrderReport,
    OrderSeen,
    PositionSeen,
    RefusedError,
    Style,
    UnknownOutcomeError,
    VenueState,
)
from web.sharedresults import SharedResult

P = ParamSpec("P")
R = TypeVar("R")

POLL_S: Final = 0.05
FRESH_S: Final = 0.04
THREADS: Final = 4
"""Orders of one bot that wait for their answers at the same time."""
TURNS: Final = threading.BoundedSemaphore(4)
"""Calls of all brokers that use the database at the same time. PostgreSQL needs a fifth of a second
of CPU for a new connection and its first statements: few connections flatten many bots sooner."""
STYLES: Final[Mapping[Style, tuple[OrderType, TimeInForce]]] = {
    Style.POST_ONLY: (OrderType.LIMIT, TimeInForce.POST_ONLY),
    Style.LIMIT: (OrderType.LIMIT, TimeInForce.GTC),
    Style.MARKET: (OrderType.MARKET, TimeInForce.IOC),
}
UNCHANGED: Final = (Cause.NOT_OPEN, Cause.NOTHING_TO_AMEND)
"""Rejections that leave the order as it was wanted, or as it ended."""


class ExchangeBroker:
    """An account of the simulated exchange; satisfies venues.brokers.Broker."""

    name = "exchange"

    def __init__(self, account: Account, timeout_s: float = WAIT_S, poll_s: float = POLL_S) -> None:
        self._account = account
        self._timeout_s = timeout_s
        self._poll_s = poll_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="broker")

    def close(self) -> None:
        """Wait for the calls that run, and end the threads."""
        self._threads.shutdown()

    async def place(self, order: Instruction) -> OrderSeen:
        return await self._in_thread(self._place, order)

    async def amend(self, client_id: str, *, lots: int, ticks: int) -> OrderSeen:
        return await self._in_thread(self._amend, client_id, lots, ticks)

    async def cancel(self, client_id: str) -> OrderSeen:
        return await self._in_thread(self._cancel, client_id)

    async def cancel_all(self, symbol: str = "") -> None:
        await self._in_thread(self._cancel_all, symbol)

    async def order(self, client_id: str) -> OrderSeen:
        return await self._in_thread(self._seen, client_id)

    async def open_orders(self) -> list[OrderSeen]:
        return await self._in_thread(self._open_orders)

    async def executions(self, since: int) -> list[ExecutionSeen]:
        return await self._in_thread(self._executions, since)

    async def positions(self) -> list[PositionSeen]:
        return await self._in_thread(self._positions)

    async def payments(self, since: int) -> None:
        """List no payments: positions state their sum."""

    async def balance(self) -> Balance:
        return await self._in_thread(self._balance)

    async def changes(self, since: Cursor) -> AsyncGenerator[OrderSeen | ExecutionSeen, None]:
        """Follow the account: a change and its executions are committed together."""
        while True:
            end = (ends.peek() or {}).get(self._account.pk)
            if end is None:
                end = await self._in_thread(self._known_end)
            if end.executions > since.executions:
                for execution in await self._in_thread(
                    self._executions, since.executions, end.executions
                ):
                    yield execution
            if end.orders > since.orders:
                for change in await self._in_thread(self._order_changes, since.orders, end.orders):
                    yield change
            since = Cursor(
                orders=max(since.orders, end.orders),
                executions=max(since.executions, end.executions),
            )
            await asyncio.sleep(self._poll_s)

    async def _in_thread(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call that uses the database in a thread."""
        run = database_sync_to_async(_in_turn, thread_sensitive=False, executor=self._threads)
        result: R = await run(lambda: call(*args, **kwargs))
        return result

    def _place(self, order: Instruction) -> OrderSeen:
        type_, tif = STYLES[order.style]
        new = submission.NewOrder(
            instrument=_instrument(order.symbol),
            side=order.side,
            type=type_,
            lots=order.lots,
            ticks=order.ticks,
            tif=tif,
            reduce_only=order.reduce_only,
        )
        sender = submission.Sender(account=self._account, client_id=order.client_id)
        self._answered(lambda: submission.place(sender, new))
        return self._seen(order.client_id)

    def _amend(self, client_id: str, lots: int, ticks: int) -> OrderSeen:
        if (order := self._find(client_id)) is not None and not State(order.state).is_final:
            changes = {"lots": lots, "ticks": ticks}
            found = order
            self._answered(lambda: submission.amend(self._sender, found, changes))
        return self._seen(client_id)

    def _cancel(self, client_id: str) -> OrderSeen:
        if (order := self._find(client_id)) is not None and not State(order.state).is_final:
            found = order
            self._answered(lambda: submission.cancel(self._sender, found))
        return self._seen(client_id)

    def _cancel_all(self, symbol: str) -> None:
        instrument = _instrument(symbol) if symbol else None
        self._answered(lambda: submission.cancel_all(self._sender, instrument))

    @property
    def _sender(self) -> submission.Sender:
        return submission.Sender(account=self._account)

    def _answered(self, submit: Callable[[], Command]) -> None:
        """Submit a command and wait for its answer; raise BrokerError.

        A rejected order is no error here: the order itself says so.
        """
        try:
            command = submit()
            with _out_of_turn():
                command = answered(command, self._timeout_s)
        except submission.ClosedError as error:
            raise NotSentError(str(error)) from error
        except submission.SubmissionError as error:
            raise RefusedError(str(error)) from error
        if not command.done:
            raise UnknownOutcomeError(
                f"the exchange has stored command {command.pk}, but not executed it within "
                f"{self._timeout_s:g} s"
            )
        if command.reason is None or command.kind == CommandKind.PLACE:
            return
        cause = CAUSES[command.reason]
        if cause.is_rejection and cause not in UNCHANGED:
            raise RefusedError(cause.text)

    def _find(self, client_id: str) -> Order | None:
        found = Order.objects.filter(account=self._account, client_id=client_id)
        return found.select_related("instrument").first()

    def _seen(self, client_id: str) -> OrderSeen:
        number = self._end().orders  # before the order is read, so that it is not too high
        order = self._find(client_id)
        if order is None:
            report = OrderReport(number=number, state=VenueState.UNKNOWN)
            return OrderSeen(client_id=client_id, report=report)
        return order_seen(order, number)

    def _open_orders(self) -> list[OrderSeen]:
        number = self._end().orders
        found = Order.objects.open().filter(account=self._account).select_related("instrument")
        return [order_seen(order, number) for order in found.order_by("id")]

    def _end(self) -> Cursor:
        counters = Account.objects.values_list("events", "executions").get(pk=self._account.pk)
        return Cursor(orders=counters[0], executions=counters[1])

    def _known_end(self) -> Cursor:
        """Return how far the account was a moment ago: all bots of a process share one query."""
        return ends.get().get(self._account.pk) or self._end()

    def _executions(self, since: int, until: int | None = None) -> list[ExecutionSeen]:
        rows = Execution.objects.filter(account=self._account.pk, number__gt=since)
        if until is not None:
            rows = rows.filter(number__lte=until)
        found = list(rows.select_related("instrument").order_by("number"))
        client_ids = self._client_ids({row.order for row in found})
        return [execution_seen(row, client_ids.get(row.order, "")) for row in found]

    def _order_changes(self, since: int, until: int) -> list[OrderSeen]:
        rows = OrderEvent.objects.filter(
            account=self._account.pk, number__gt=since, number__lte=until
        ).exclude(order=0)
        found = list(rows.select_related("instrument").order_by("number"))
        client_ids = self._client_ids({row.order for row in found})
        return [
            change_seen(row, client_ids.get(row.order, ""))
            for row in found
            if not CAUSES[row.cause].is_rejection or row.state == State.REJECTED
        ]

    def _client_ids(self, keys: set[int]) -> dict[int, str]:
        found = Order.objects.filter(account=self._account, pk__in=keys)
        return dict(found.values_list("pk", "client_id"))

    def _positions(self) -> list[PositionSeen]:
        return [
            PositionSeen(
                symbol=held.instrument.symbol,
                lots=held.lots,
                cost=held.cost,
                mark=held.mark,
                realised=held.realised,
                fees=held.fees,
                funding=held.funding,
            )
            for held in statement(self._account.pk).positions
        ]

    def _balance(self) -> Balance:
        now = statement(self._account.pk)
        return Balance(
            balance=now.balance, equity=now.valuation.equity, available=now.valuation.available
        )


def _in_turn(call: Callable[[], R]) -> R:
    with TURNS:
        return call()


@contextmanager
def _out_of_turn() -> Iterator[None]:
    """Let others use the database while this thread waits."""
    connection.close()
    TURNS.release()
    try:
        yield
    finally:
        TURNS.acquire()


def _ends_of_bots() -> dict[int, Cursor]:
    rows = Account.objects.exclude(bots=None).values_list("pk", "events", "executions")
    return {key: Cursor(orders=events, executions=count) for key, events, count in rows}


ends: Final = SharedResult(_ends_of_bots, FRESH_S)


def _instrument(symbol: str) -> Instrument:
    found = books().get(symbol)
    if found is None:
        raise RefusedError(f"{symbol} has no order book: choose one of {', '.join(books())}")
    return found
