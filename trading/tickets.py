"""Order tickets of one bot: an order is checked with all limits, then stored to be sent."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from exchange.accounts.loading import marks, tick_value
from exchange.engine.messages import BUY, SELL
from instruments.models import Instrument
from trading import auditlog
from trading.configuring import global_limits
from trading.core.risk.limits import Limits
from trading.core.risk.portfolio import Proposal
from trading.core.strategies.orders import Order
from trading.models import Bot, BotOrder, BotPosition
from trading.portfolios import portfolio_of, portfolio_of_all
from trading.sending import Intention, Scope, check, commit
from venues.brokers import Style

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


def closing(position: BotPosition) -> Wish:
    """Return the market order that closes a position."""
    side = SELL if position.lots > 0 else BUY
    order = Order(side, Style.MARKET, abs(position.lots), 0, reduce_only=True)
    why = {"position": position.pk}
    return Wish(instrument=position.instrument, order=order, strategy=CLOSING, why=why)


def opposite(position: BotPosition, lots: int) -> Wish:
    """Return the market order that opens the opposite of a position that is closed by then."""
    side = SELL if lots > 0 else BUY
    order = Order(side, Style.MARKET, abs(lots), 0, reduce_only=False)
    why = {"reverses": position.pk}
    return Wish(instrument=position.instrument, order=order, strategy=REVERSING, why=why)


class Tickets:
    """Writes the orders of one bot. `clock` is the wall clock."""

    def __init__(self, bot: Bot, clock: Callable[[], datetime]) -> None:
        self._bot = bot
        self._clock = clock

    def commit(self, wish: Wish, limits: Limits) -> BotOrder:
        """Check an order and store it; raise RiskRefusedError."""
        now, order = self._clock(), wish.order
        proposal = _proposal(wish)
        scopes = [] if order.reduce_only else self._scopes(limits)
        intention = Intention(
            bot=self._bot,
            instrument=wish.instrument,
            client_id=prefix_of(self._bot) + secrets.token_hex(8),
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
        mine = portfolio_of(self._bot, limits, without)
        return [
            Scope(name="bot", portfolio=mine, limits=limits),
            Scope(name="all", portfolio=portfolio_of_all(of_all, without), limits=of_all),
        ]

    def check_amendment(self, order: BotOrder, lots: int, ticks: int, limits: Limits) -> None:
        """Check an order as it would be instead of as it is; raise RiskRefusedError."""
        if order.reduce_only or lots * ticks <= order.lots * order.ticks:
            return
        proposal = Proposal(
            symbol=order.instrument.symbol,
            side=order.side,
            value=max(0, lots - order.filled) * ticks * tick_value(order.instrument),
        )
        intention = Intention(
            bot=self._bot,
            instrument=order.instrument,
            client_id=order.client_id,
            side=order.side,
            style=Style(order.style),
            lots=lots,
            ticks=ticks,
            strategy=order.strategy,
        )
        check(intention, proposal, self._scopes(limits, without=order), self._clock())

    def log_amendment(self, order: BotOrder, lots: int, ticks: int) -> None:
        detail = {"client_id": order.client_id, "lots": lots, "ticks": ticks}
        actor, at = f"bot {self._bot.name}", self._clock()
        auditlog.append(actor=actor, action="amend", detail=detail, at=at, bot=self._bot.pk)


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
