"""The desk of one bot: sends, cancels and follows its orders at one broker.

Several processes may have a desk of the same bot at the same time, for example its runner and the
kill switch: they apply what the venue says to the same rows, each change once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, TypeVar

import structlog
from django.db import Error as DatabaseFailure
from django.db.models import Max

from trading import auditlog, funding
from trading.core.orderstates import OrderState
from trading.core.reports import ContradictionError
from trading.core.risk.limits import Limits
from trading.core.transitions import IllegalTransitionError
from trading.databasecalls import applied, in_thread
from trading.following import Follower
from trading.models import Bot, BotOrder, BotPosition
from trading.sending import (
    ContradictedError,
    RejectedError,
    RiskRefusedError,
    refuse_if_killed,
    send,
    settle,
)
from trading.tickets import Tickets, Wish, closing, opposite
from trading.tracing import span, stage, traced
from venues.brokers import (
    Broker,
    BrokerError,
    Cursor,
    ExecutionSeen,
    OrderSeen,
    PositionSeen,
    Style,
    UnknownOutcomeError,
    VenueState,
)

R = TypeVar("R", BotOrder, BotPosition)

logger = structlog.get_logger(__name__)

CONFIRMATIONS: Final = 20
"""So often, the venue is asked whether a position is closed, before the opposite one is opened."""
CONFIRM_PAUSE_S: Final = 0.1


class BotDesk:
    """Acts for one bot. `clock` is the wall clock."""

    def __init__(self, bot: Bot, broker: Broker, clock: Callable[[], datetime]) -> None:
        self.bot = bot
        self.broker = broker
        self.follower = Follower(bot, clock)
        self.contradictions: set[tuple[str, str]] = set()
        """Client ids of orders, and what the venue said of them that cannot be true."""
        self._clock = clock
        self._tickets = Tickets(bot, clock)

    async def place(self, wish: Wish, limits: Limits) -> BotOrder:
        """Check, commit and send an order; raise RiskRefusedError or BrokerError."""
        with traced(), span(f"order {wish.instrument.symbol}", bot=self.bot.name):
            order = await self._commit(wish, limits)
            await self._send(order)
            return order

    async def place_all(self, wishes: Sequence[Wish], limits: Limits) -> list[Exception]:
        """Place orders together; return why some were refused.

        They are committed one after the other, so that each is checked with those before it, and
        sent at the same time.
        """
        refused: list[Exception] = []
        committed = []
        with traced(), span("orders", bot=self.bot.name):
            for wish in wishes:
                try:
                    committed.append(await self._commit(wish, limits))
                except RiskRefusedError as error:
                    refused.append(error)
            answers = await asyncio.gather(*map(self._send, committed), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BrokerError):
                refused.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
        return refused

    async def _commit(self, wish: Wish, limits: Limits) -> BotOrder:
        with stage(self.broker.name, "commit"):
            return await in_thread(applied, self._tickets.commit, wish, limits)

    async def _send(self, order: BotOrder) -> None:
        with stage(self.broker.name, "send"):
            await self._sent(order)

    async def _sent(self, order: BotOrder, *, again: bool = False) -> None:
        async with self._checking(order.client_id):
            await send(self.broker, self.follower, order, again=again)

    async def amend(
        self, order: BotOrder, *, lots: int, ticks: int, limits: Limits | None = None
    ) -> None:
        """Change size (in total) and limit of an order; raise RiskRefusedError or BrokerError.

        With `limits`, a change that makes the order worth more is checked like a new order.
        """
        with traced(order.trace_id):
            if limits is not None:
                await in_thread(self._tickets.check_amendment, order, lots, ticks, limits)
            await in_thread(self._tickets.log_amendment, order, lots, ticks)
            await self._learn(await self.broker.amend(order.client_id, lots=lots, ticks=ticks))

    async def reverse(self, position: BotPosition, limits: Limits) -> BotOrder:
        """Close a position, then open the opposite one; return the order that opens it.

        Raise RiskRefusedError, before anything is sent, while a kill switch forbids to open one;
        UnknownOutcomeError or RejectedError if the position is not closed, and then open nothing.
        """
        await in_thread(refuse_if_killed, self.bot)
        lots = position.lots
        await self._ended(await self.close(position))
        left = await in_thread(self._lots_of, position)
        if left:
            raise RejectedError(
                f"{left} of {lots} lots are still held after the order that closes them: "
                "nothing was opened"
            )
        return await self.place(opposite(position, lots), limits)

    async def cancel(self, order: BotOrder) -> None:
        """Cancel an order. One that was never sent ends as such once it can no longer be sent."""
        asked_at = self._clock()
        seen = await self.broker.cancel(order.client_id)
        if seen.report.state is VenueState.UNKNOWN and order.state == OrderState.PENDING:
            async with self._checking(order.client_id):
                await in_thread(applied, self.follower.lost, seen, asked_at)
        await self._learn(seen)

    async def _learn(self, seen: OrderSeen) -> None:
        """Apply what the venue has answered about an order, unless it does not know it."""
        if seen.report.state is not VenueState.UNKNOWN:
            async with self._checking(seen.client_id):
                await settle(self.broker, self.follower, seen)

    @asynccontextmanager
    async def _checking(self, client_id: str) -> AsyncIterator[None]:
        """Log what cannot be true of an order, and raise ContradictedError."""
        try:
            yield
        except (ContradictionError, IllegalTransitionError) as error:
            await self._contradicts(client_id, error)
            raise ContradictedError(str(error)) from error

    async def _contradicts(self, client_id: str, error: Exception) -> None:
        """Log, once, what cannot be true; the runner recovers then, and reports it."""
        found = (client_id, str(error))
        if found not in self.contradictions:
            self.contradictions.add(found)
            logger.error("venue contradicts itself", bot=self.bot.name, error=str(error))
            await in_thread(self._log_illegal, *found)

    async def cancel_all(self) -> None:
        """Try to cancel all orders of the bot; then raise the first error."""
        _raise_first(await _failures(self.cancel, await in_thread(self.working)))

    async def close(self, position: BotPosition) -> BotOrder:
        """Close a position at the market; return the order that does so."""
        return await self.place(closing(position), Limits())

    async def _ended(self, order: BotOrder) -> None:
        """Wait until an order is known to have ended; raise UnknownOutcomeError."""
        for attempt in range(CONFIRMATIONS):
            if (await in_thread(_stored, order)).life.is_final:
                return
            if attempt:
                await asyncio.sleep(CONFIRM_PAUSE_S)
            await self._learn(await self.broker.order(order.client_id))
        raise UnknownOutcomeError(
            f"order {order.client_id}, which closes the position, is not confirmed yet: "
            "nothing was opened"
        )

    async def flatten(self) -> tuple[int, int]:
        """Try to cancel all orders and to close all positions; return how many of each are left.

        All at the same time. One that fails does not stop the others; then raise the first error.
        """
        working, held = await in_thread(self.working), await in_thread(self.held)
        keys = {position.pk for position in held}
        exits = [order for order in working if _is_unsent_exit(order)]
        unsent = {order.position_id: order for order in exits if order.position_id in keys}

        async def close(position: BotPosition) -> None:
            if (order := unsent.get(position.pk)) is None:
                await self.close(position)
            else:
                await self._sent(order, again=True)

        others = [order for order in working if order not in unsent.values()]
        failures = await asyncio.gather(_failures(self.cancel, others), _failures(close, held))
        _raise_first([*failures[0], *failures[1]])
        return len(await in_thread(self.working)), len(await in_thread(self.held))

    async def book_funding(self) -> Sequence[PositionSeen]:
        """Book the funding that the venue has paid; return its positions.

        A payment belongs to the position that was held then, so executions are counted before.
        Before the first fill, the sums are noted: they are not the bot's.
        """
        seen = await self.broker.positions()
        since = await in_thread(funding.paid_since, self.bot)
        paid = None if since is None else await self.broker.payments(since)
        if paid is None:
            await in_thread(funding.book_sums, self.bot, seen, self._clock())
        elif fresh := await in_thread(funding.unbooked, self.bot, paid):
            for execution in await self.broker.executions(await in_thread(self.follower.counted)):
                await self.hear(execution)
            await in_thread(funding.book_payments, self.bot, fresh, self._clock())
        return seen

    async def follow(self) -> None:
        """Apply what the venue says, until cancelled."""
        since = await in_thread(self._cursor)
        async for change in self.broker.changes(since):
            await self.hear(change)

    async def hear(self, change: OrderSeen | ExecutionSeen) -> None:
        """Apply a change; log one that cannot be true, which recovery reports as well."""
        try:
            if isinstance(change, ExecutionSeen):
                await in_thread(applied, self.follower.execution, change)
            else:
                await settle(self.broker, self.follower, change)
        except (ContradictionError, IllegalTransitionError) as error:
            await self._contradicts(change.client_id, error)

    def working(self) -> Sequence[BotOrder]:
        """Return the orders of the bot that may still trade."""
        found = BotOrder.objects.working().filter(bot=self.bot)
        return list(found.select_related("instrument", "position").order_by("id"))

    def held(self) -> Sequence[BotPosition]:
        """Return the positions of the bot that have lots."""
        found = BotPosition.objects.live().filter(bot=self.bot).exclude(lots=0)
        return list(found.select_related("instrument").order_by("id"))

    def _lots_of(self, position: BotPosition) -> int:
        """Return what is held in the instrument of a position."""
        live = BotPosition.objects.live().filter(bot=self.bot, instrument=position.instrument)
        return live.values_list("lots", flat=True).first() or 0

    def _log_illegal(self, client_id: str, error: str) -> None:
        actor, detail = f"bot {self.bot.name}", {"client_id": client_id, "error": error}
        at = self._clock()
        auditlog.append(actor=actor, action="illegal", detail=detail, at=at, bot=self.bot.pk)

    def _cursor(self) -> Cursor:
        newest = BotOrder.objects.filter(bot=self.bot).aggregate(newest=Max("reported"))["newest"]
        return Cursor(orders=newest or 0, executions=self.follower.counted())


def _stored(order: BotOrder) -> BotOrder:
    return BotOrder.objects.get(pk=order.pk)


def _is_unsent_exit(order: BotOrder) -> bool:
    """Return whether an order closes a position, and whether the venue has it is unknown."""
    is_exit = order.reduce_only and order.style == Style.MARKET
    return is_exit and order.state == OrderState.PENDING


async def _failures(act: Callable[[R], Awaitable[object]], rows: Iterable[R]) -> list[Exception]:
    """Act on each row, whatever happens to the others; return what went wrong."""

    async def attempt(row: R) -> Exception | None:
        try:
            await act(row)
        except DatabaseFailure:  # then all fail
            raise
        except Exception as error:
            return error
        return None

    return [error for error in await asyncio.gather(*map(attempt, rows)) if error is not None]


def _raise_first(failures: Sequence[Exception]) -> None:
    if failures:
        raise failures[0]
