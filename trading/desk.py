"""The desk of one bot: sends, cancels and follows its orders at one broker.

Several processes may have a desk of the same bot at the same time, for example its runner and the
kill switch: they apply what the venue says to the same rows, each change once.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

import structlog
from django.db.models import Max

from exchange.accounts.loading import marks, tick_value
from exchange.engine.messages import BUY, SELL
from instruments.models import Instrument
from trading import auditlog
from trading.configuring import global_limits
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
from trading.sending import Intention, Scope, check, commit, send, settle
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
"""Strategy of orders that no strategy asked for."""


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
        """Check, commit and send an order; raise RiskRefusedError or RefusedError."""
        venue = self.broker.name
        with traced(), span(f"order {wish.instrument.symbol}", bot=self.bot.name):
            with stage(venue, "commit"):
                order = await in_thread(applied, self._committed, wish, limits)
            with stage(venue, "send"):
                await send(self.broker, self.follower, order)
            return order

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

        An order or position that fails does not stop the others. Then raise the first error.
        """
        failures = await _failures(self.cancel, await in_thread(self.working))
        failures += await _failures(self.close, await in_thread(self.held))
        _raise_first(failures)
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
            context={"signal": dict(wish.why), "risk": _at_risk(proposal, scopes)},
        )
        check(intention, proposal, scopes, now)
        return commit(intention, now)

    def _scopes(self, limits: Limits) -> list[Scope]:
        of_all = global_limits()
        return [
            Scope(name="bot", portfolio=portfolio_of(self.bot, limits), limits=limits),
            Scope(name="all", portfolio=portfolio_of_all(of_all), limits=of_all),
        ]

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


async def _failures(act: Callable[[R], Awaitable[object]], rows: Iterable[R]) -> list[Exception]:
    """Act on each row, whatever happens to the others; return what went wrong."""
    found: list[Exception] = []
    for row in rows:
        try:
            await act(row)
        except (BrokerError, ValueError, RuntimeError) as error:  # without a database, all fail
            found.append(error)
    return found


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
