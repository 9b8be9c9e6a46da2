"""From an intention to an order at the venue: risk, commit, send, settle.

The order is committed, with the time of the first attempt, before anything is sent. From then on
its client id stands for it, so a doubtful attempt is simply repeated.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from instruments.models import Instrument
from trading import auditlog
from trading.core.positionstates import PositionEvent, PositionState
from trading.core.reports import ENDS
from trading.core.risk.limits import Limits
from trading.core.risk.portfolio import Portfolio, Proposal
from trading.core.risk.rules import Refusal, refusals
from trading.databasecalls import applied, in_thread
from trading.following import Follower, UncountedError
from trading.journeys import move_position
from trading.models import Bot, BotOrder, BotPosition, KillSwitch
from trading.tracing import trace_id
from venues.brokers import (
    Broker,
    Instruction,
    NotSentError,
    OrderReport,
    OrderSeen,
    RefusedError,
    Style,
    UnknownOutcomeError,
)

ATTEMPTS: Final = 5
FIRST_PAUSE_S: Final = 0.1
"""Doubled after each attempt."""
LONGEST_ATTEMPT_S: Final = 8.0
"""Brokers may repeat a request, but none is sent later: recovery relies on that."""
LATE: Final = timedelta(seconds=1)
"""A first attempt that begins so long after its order was stored must be noted like a repeat."""
EVERYTHING: Final = 0
"""Where executions are read from if those after the newest that was counted are not enough: where
numbers are times, one that becomes visible late may have a lower number."""
KILLED: Final = Refusal("kill_switch", "the kill switch is on: release it to trade again")


class RejectedError(RefusedError):
    """The venue has rejected an order, or ended it at once because nothing trades with it."""


class ContradictedError(RefusedError):
    """The venue has answered about an order what cannot be true: a person must look at it."""


class RiskRefusedError(ValueError):
    """Rules refuse an order; `refusals` name them."""

    def __init__(self, found: Sequence[Refusal]) -> None:
        self.refusals = list(found)
        super().__init__("; ".join(f"{rule}: {reason}" for rule, reason in found))


@dataclass(frozen=True, kw_only=True)
class Intention:
    """An order that a strategy wants. `context`, which is JSON, says why."""

    bot: Bot
    instrument: Instrument
    client_id: str
    side: int
    style: Style
    lots: int
    ticks: int = 0
    reduce_only: bool = False
    strategy: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What one set of limits counts: a bot, or all bots."""

    name: str
    portfolio: Portfolio
    limits: Limits


def check(intention: Intention, proposal: Proposal, scopes: Sequence[Scope], at: datetime) -> None:
    """Check an intention in every scope; log a refusal and raise RiskRefusedError."""
    found = [
        Refusal(f"{scope.name}.{refusal.rule}", refusal.reason)
        for scope in scopes
        for refusal in refusals(proposal, scope.portfolio, scope.limits)
    ]
    if found:
        detail = {**_described(intention), "refusals": [list(refusal) for refusal in found]}
        _log(intention, "refuse", detail, at)
        raise RiskRefusedError(found)


@transaction.atomic
def commit(intention: Intention, at: datetime) -> BotOrder:
    """Store an order, its position and the log entry; from now on the order may be sent."""
    position = _position_of(intention, at)
    if intention.reduce_only and position.state in (PositionState.OPENING, PositionState.OPEN):
        cause = f"order {intention.client_id}"
        move_position(position, PositionEvent.EXIT_SENT, cause=cause, at=at)
    order = BotOrder.objects.create(
        bot=intention.bot,
        instrument=intention.instrument,
        position=position,
        client_id=intention.client_id,
        strategy=intention.strategy,
        side=intention.side,
        style=intention.style.value,
        ticks=intention.ticks,
        lots=intention.lots,
        reduce_only=intention.reduce_only,
        context=dict(intention.context),
        trace_id=trace_id(),
        created_at=at,
        updated_at=at,
        sent_at=at,
    )
    _log(intention, "place", _described(intention), at)
    if not intention.reduce_only:  # again, under the lock of the log: no order slips past a switch
        refuse_if_killed(intention.bot)
    return order


def refuse_if_killed(bot: Bot) -> None:
    """Raise RiskRefusedError if a kill switch stops the bot."""
    if KillSwitch.objects.stops(bot):
        raise RiskRefusedError([KILLED])


async def send(broker: Broker, follower: Follower, order: BotOrder, *, again: bool = False) -> bool:
    """Send a committed order until the venue has answered; return False if it has not.

    `again`: it was tried before, and the venue places it once under its client id.

    False leaves the order pending: recovery finds out. Raise RefusedError where the venue will not
    take the request, which leaves it pending as well; RejectedError where the order ends in vain.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))
        now = follower.now()
        is_noted = not (attempt or again) and _is_just_stored(order, now)
        if not is_noted and not await in_thread(_note_attempt, order, now):
            return True  # its end was reported meanwhile
        try:
            async with asyncio.timeout(LONGEST_ATTEMPT_S):
                seen = await broker.place(instruction(order))
        except (NotSentError, UnknownOutcomeError, TimeoutError):
            continue
        await settle(broker, follower, seen)
        if _is_in_vain(seen.report):
            raise RejectedError(
                f"{broker.name} has not executed order {order.client_id}: {seen.reason}"
            )
        return True
    return False


def _is_in_vain(report: OrderReport) -> bool:
    return report.state in ENDS and not report.filled


async def settle(broker: Broker, follower: Follower, seen: OrderSeen) -> None:
    """Apply a report of an order, after the executions that it includes; raise UncountedError."""
    try:
        await in_thread(applied, follower.report, seen)
    except UncountedError:
        await _count(broker, follower, await in_thread(follower.counted))
        try:
            await in_thread(applied, follower.report, seen)
        except UncountedError:
            await _count(broker, follower, EVERYTHING)
            await in_thread(applied, follower.report, seen)


async def _count(broker: Broker, follower: Follower, since: int) -> None:
    for execution in await broker.executions(since):
        await in_thread(applied, follower.execution, execution)


def instruction(order: BotOrder) -> Instruction:
    """Return an order as it is sent; the same at every attempt."""
    return Instruction(
        client_id=order.client_id,
        symbol=order.instrument.symbol,
        side=order.side,
        style=Style(order.style),
        lots=order.lots,
        ticks=order.ticks,
        reduce_only=order.reduce_only,
    )


def _position_of(intention: Intention, at: datetime) -> BotPosition:
    live = BotPosition.objects.live().filter(bot=intention.bot, instrument=intention.instrument)
    return live.first() or BotPosition.objects.create(
        bot=intention.bot,
        instrument=intention.instrument,
        strategy=intention.strategy,
        opened_at=at,
        updated_at=at,
    )


def _is_just_stored(order: BotOrder, now: datetime) -> bool:
    return order.sent_at is not None and now - order.sent_at < LATE


def _note_attempt(order: BotOrder, at: datetime) -> bool:
    """Note an attempt before it is made: recovery must not take the order for lost.

    Return False if the order has ended: it must not be sent.
    """
    return bool(BotOrder.objects.working().filter(pk=order.pk).update(sent_at=at))


def _described(intention: Intention) -> dict[str, Any]:
    return {
        "client_id": intention.client_id,
        "symbol": intention.instrument.symbol,
        "side": intention.side,
        "style": intention.style.name.lower(),
        "lots": intention.lots,
        "ticks": intention.ticks,
        "reduce_only": intention.reduce_only,
        "strategy": intention.strategy,
        "context": dict(intention.context),
    }


def _log(intention: Intention, action: str, detail: Mapping[str, Any], at: datetime) -> None:
    actor = f"bot {intention.bot.name}"
    auditlog.append(actor=actor, action=action, detail=detail, at=at, bot=intention.bot.pk)
