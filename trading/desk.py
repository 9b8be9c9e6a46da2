"""The desk of one bot: sends, cancels and follows its orders at one broker.

Several processes may have a desk of the same bot at the same time, for example its runner and the
kill switch: they apply what the venue says to the same rows, each change once.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

import structlog
from django.db import Error as DatabaseFailure
from django.db.models import Max

from exchange.accounts.loading import marks, tick_value
from exchange.engine.messages import BUY, SELL
from instruments.models import Instrument
from trading import auditlog
from trading.configuring import global_limits
from trading.core.orderstates import OrderState
from trading.core.reports import ContradictionError
from trading.core.risk.limits import Limits
from trading.core.risk.portfolio import Proposal
from trading.core.strategies.orders import Order
from trading.core.transitions import IllegalTransitionError
from trading.database import applied, in_thread
from trading.following import Follower
from trading.funding import book_funding
from trading.models import Bot, BotOrder, BotPosition
from trading.portfolios import portfolio_of, portfolio_of_all
from trading.sending import (
    Intention,
    RiskRefusedError,
    Scope,
    check,
    commit,
    refuse_if_killed,
    send,
    settle,
)
from trading.tracing import span, stage, traced
from venues.brokers import (
    Broker,
    BrokerError,
    Cursor,
    ExecutionSeen,
    OrderSeen,
    PositionSeen,
    Style,
    VenueState,
)

R = TypeVar("R", BotOrder, BotPosition)

logger = structlog.get_logger(__name__)

CLOSING: Final = "close"
REVERSING: Final = "reverse"
"""Strategies of orders that no strategy asked for."""


def prefix_of(bot: Bot) -> str:
    """Return how the client ids of a bot begin."""
    return f"bot{bot.pk}-"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """An order that a strategy, or a person, wants."""

    instrument: Instrument
    order: Order
    strategy: str
    why: Mapping[str, Any] = field(default_factory=dict)


class Desk:
    """Acts for one bot. `clock` is the wall clock."""

    def __init__(self, bot: Bot, broker: Broker, clock: Callable[[], datetime]) -> None:
        self.bot = bot
        self.broker = broker
        self.follower = Follower(bot, clock)
        self._clock = clock

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
            return await in_thread(applied, self._committed, wish, limits)

    async def _send(self, order: BotOrder) -> None:
        with stage(self.broker.name, "send"):
            await send(self.broker, self.follower, order)

    async def amend(
        self, order: BotOrder, *, lots: int, ticks: int, limits: Limits | None = None
    ) -> None:
        """Change size (in total) and limit of an order; raise RiskRefusedError or BrokerError.

        With `limits`, a change that makes the order worth more is checked like a new order.
        """
        with traced(order.trace_id):
            if limits is not None:
                await in_thread(self._check_amendment, order, lots, ticks, limits)
            await in_thread(self._log_amendment, order, lots, ticks)
            seen = await self.broker.amend(order.client_id, lots=lots, ticks=ticks)
            if seen.report.state is not VenueState.UNKNOWN:
                await settle(self.broker, self.follower, seen)

    async def reverse(self, position: BotPosition, limits: Limits) -> BotOrder:
        """Close a position, then open the opposite one; return the order that opens it.

        Raise RiskRefusedError, before anything is sent, while a kill switch forbids to open one.
        """
        await in_thread(refuse_if_killed, self.bot)
        await self.close(position)
        side = SELL if position.lots > 0 else BUY
        opposite = Order(side, Style.MARKET, abs(position.lots), 0, reduce_only=False)
        why = {"reverses": position.pk}
        wish = Wish(instrument=position.instrument, order=opposite, strategy=REVERSING, why=why)
        return await self.place(wish, limits)

    async def cancel(self, order: BotOrder) -> None:
        """Cancel an order. One that the venue does not know is left to recovery."""
        seen = await self.broker.cancel(order.client_id)
        if seen.report.state is not VenueState.UNKNOWN:
            await settle(self.broker, self.follower, seen)

    async def cancel_all(self) -> None:
        """Try to cancel all orders of the bot; then raise the first error."""
        _raise_first(await _failures(self.cancel, await in_thread(self.working)))

    async def close(self, position: BotPosition) -> BotOrder:
        """Close a position at the market; return the order that does so."""
        return await self.place(closing(position), Limits())

    async def flatten(self) -> tuple[int, int]:
        """Try to cancel all orders and to close all positions; return how many of each are left.

        All at the same time. One that fails does not stop the others; then raise the first error.
        """
        working, held = await in_thread(self.working), await in_thread(self.held)
        unsent = {order.position_id: order for order in working if _is_unsent_exit(order)}

        async def close(position: BotPosition) -> None:
            if (order := unsent.get(position.pk)) is None:
                await self.close(position)
            else:
                await send(self.broker, self.follower, order, again=True)

        others = [order for order in working if order not in unsent.values()]
        failures = await asyncio.gather(_failures(self.cancel, others), _failures(close, held))
        _raise_first([*failures[0], *failures[1]])
        return len(await in_thread(self.working)), len(await in_thread(self.held))

    async def book_funding(self) -> Sequence[PositionSeen]:
        """Book the funding that the venue states; return its positions."""
        seen = await self.broker.positions()
        await in_thread(book_funding, self.bot, seen, self._clock())
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
            logger.error("report of the venue contradicts", bot=self.bot.name, error=str(error))
            await in_thread(self._log_illegal, change.client_id, str(error))

    def working(self) -> Sequence[BotOrder]:
        """Return the orders of the bot that may still trade."""
        found = BotOrder.objects.working().filter(bot=self.bot)
        return list(found.select_related("instrument", "position").order_by("id"))

    def held(self) -> Sequence[BotPosition]:
        """Return the positions of the bot that have lots."""
        found = BotPosition.objects.live().filter(bot=self.bot).exclude(lots=0)
        return list(found.select_related("instrument").order_by("id"))

    def _committed(self, wish: Wish, limits: Limits) -> BotOrder:
        now, order = self._clock(), wish.order
        proposal = _proposal(wish)
        scopes = [] if order.reduce_only else self._scopes(limits)
        intention = Intention(
            bot=self.bot,
            instrument=wish.instrument,
            client_id=prefix_of(self.bot) + secrets.token_hex(8),
            side=order.side,
            style=order.style,
            lots=order.lots,
            ticks=order.ticks,
            reduce_only=order.reduce_only,
            strategy=wish.strategy,
            context={
                "signal": dict(wish.why),
                "risk": _at_risk(proposal, scopes),
                "first_ticks": order.ticks,
            },
        )
        check(intention, proposal, scopes, now)
        return commit(intention, now)

    def _scopes(self, limits: Limits, without: BotOrder | None = None) -> list[Scope]:
        of_all = global_limits()
        mine = portfolio_of(self.bot, limits, without)
        return [
            Scope(name="bot", portfolio=mine, limits=limits),
            Scope(name="all", portfolio=portfolio_of_all(of_all, without), limits=of_all),
        ]

    def _check_amendment(self, order: BotOrder, lots: int, ticks: int, limits: Limits) -> None:
        """Check an order as it would be instead of as it is; raise RiskRefusedError."""
        if order.reduce_only or lots * ticks <= order.lots * order.ticks:
            return
        proposal = Proposal(
            symbol=order.instrument.symbol,
            side=order.side,
            value=max(0, lots - order.filled) * ticks * tick_value(order.instrument),
        )
        intention = Intention(
            bot=self.bot,
            instrument=order.instrument,
            client_id=order.client_id,
            side=order.side,
            style=Style(order.style),
            lots=lots,
            ticks=ticks,
            strategy=order.strategy,
        )
        check(intention, proposal, self._scopes(limits, without=order), self._clock())

    def _log_amendment(self, order: BotOrder, lots: int, ticks: int) -> None:
        detail = {"client_id": order.client_id, "lots": lots, "ticks": ticks}
        actor, at = f"bot {self.bot.name}", self._clock()
        auditlog.append(actor=actor, action="amend", detail=detail, at=at, bot=self.bot.pk)

    def _log_illegal(self, client_id: str, error: str) -> None:
        actor, detail = f"bot {self.bot.name}", {"client_id": client_id, "error": error}
        at = self._clock()
        auditlog.append(actor=actor, action="illegal", detail=detail, at=at, bot=self.bot.pk)

    def _cursor(self) -> Cursor:
        newest = BotOrder.objects.filter(bot=self.bot).aggregate(newest=Max("reported"))["newest"]
        return Cursor(orders=newest or 0, executions=self.follower.counted())


def closing(position: BotPosition) -> Wish:
    """Return the market order that closes a position."""
    side = SELL if position.lots > 0 else BUY
    order = Order(side, Style.MARKET, abs(position.lots), 0, reduce_only=True)
    why = {"position": position.pk}
    return Wish(instrument=position.instrument, order=order, strategy=CLOSING, why=why)


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


def _proposal(wish: Wish) -> Proposal:
    instrument, order = wish.instrument, wish.order
    ticks = order.ticks or marks([instrument.pk]).get(instrument.pk, 0)
    return Proposal(
        symbol=instrument.symbol,
        side=order.side,
        value=order.lots * ticks * tick_value(instrument),
        reduces=order.reduce_only,
    )


def _at_risk(proposal: Proposal, scopes: Sequence[Scope]) -> dict[str, Any]:
    """Return the risk context of an order, as texts because JSON numbers are not exact."""
    context = {"value": str(proposal.value)}
    for scope in scopes:
        context[f"{scope.name}_equity"] = str(scope.portfolio.equity)
        total = sum(each.largest for each in scope.portfolio.exposures.values())
        context[f"{scope.name}_exposure"] = str(total)
    return context
