"""How orders and positions of bots change in the database: machine, history and row together.

Each change is one conditional UPDATE on the version that it was decided on, and one transition, in
one transaction. Whoever decided on an older version fails with StaleError and must read again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from trading.core.orderstates import OrderLife
from trading.core.positionstates import PositionEvent, PositionFacts, PositionLife
from trading.core.profits import AverageCost, Fill
from trading.core.registry import Registry
from trading.core.reports import Step, steps
from trading.core.transitions import IllegalTransitionError
from trading.models import Bot, BotFill, BotOrder, BotPosition, Transition
from trading.tracing import trace_id
from venues.brokers import OrderReport, VenueState

orders: Final[Registry[int, OrderLife]] = Registry()
"""The live orders of this process."""
positions: Final[Registry[int, PositionLife]] = Registry()


def forget_final() -> None:
    """Forget the machines that have ended: a process would collect them without end."""
    orders.clear_final()
    positions.clear_final()


class StaleError(RuntimeError):
    """Another process changed the row since it was read."""


def report_order(order: BotOrder, report: OrderReport, *, cause: str, at: datetime) -> list[Step]:
    """Apply a venue's report to an order; return the steps that it added.

    Raise IllegalTransitionError, ContradictionError or StaleError; nothing is changed then.
    """
    try:
        found = steps(order.life, report)
    except IllegalTransitionError:
        orders.refused()
        raise
    if found:
        with transaction.atomic():
            _write_order(order, found, cause=cause, at=at)
    return found


def _write_order(order: BotOrder, found: list[Step], *, cause: str, at: datetime) -> None:
    before, life = order.life, found[-1].life
    changed: dict[str, Any] = {
        "state": life.state.value,
        "version": life.version,
        "reported": life.reported,
        "lots": life.facts.lots,
        "filled": life.facts.filled,
        "ticks": life.facts.ticks,
        "updated_at": at,
    }
    rows = BotOrder.objects.filter(pk=order.pk, version=before.version)
    if not rows.update(**changed):
        raise StaleError(f"order {order.pk} has changed since version {before.version}: read again")
    trace, source = trace_id(), before.state
    history = []
    for event, after in ((step.event, step.life) for step in found):
        facts = after.facts
        history.append(
            Transition(
                order=order,
                version=after.version,
                source=source.value,
                event=event.value,
                target=after.state.value,
                lots=facts.lots,
                filled=facts.filled,
                ticks=facts.ticks,
                cause=cause,
                at=at,
                trace_id=trace,
            )
        )
        source = after.state
    Transition.objects.bulk_create(history)
    _take_over(order, changed)
    transaction.on_commit(lambda: orders.put(order.pk, life))


def _take_over(row: BotOrder | BotPosition, changed: dict[str, Any]) -> None:
    """Set what was written. After a rollback the row is ahead, so its next write is stale."""
    for name, value in changed.items():
        setattr(row, name, value)


def move_position(position: BotPosition, event: PositionEvent, *, cause: str, at: datetime) -> None:
    """Apply an event without a fill to a position; raise IllegalTransitionError or StaleError."""
    _write_position(position, event, position.life.facts, {}, cause=cause, at=at)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """A fill as its venue describes it, and the event that it is to its position."""

    venue_id: str
    fill: Fill
    is_maker: bool
    event: PositionEvent
    at: datetime | None = None
    """By the clock of the venue."""


def count_execution(
    order: BotOrder,
    position: BotPosition,
    execution: Execution,
    *,
    tick_value: int,
    at: datetime,
) -> bool:
    """Count an execution in its order and its position; return False if it was counted before.

    Executions are counted before the report that includes them, so what an order has filled is
    always the sum of its fills. One that crosses zero must be split: it closes a position and opens
    another one. Raise IllegalTransitionError or StaleError; nothing is changed then.
    """
    if BotFill.objects.filter(order=order, venue_id=execution.venue_id).exists():
        return False
    fill = execution.fill
    held = AverageCost.of(position.lots, position.cost)
    realised = held.trade(fill, tick_value)
    money = {
        "lots": held.lots,
        "cost": held.cost,
        "realised": position.realised + realised,
        "fees": position.fees + fill.fee,
    }
    cause = f"execution {execution.venue_id}"
    with transaction.atomic():
        report_order(order, _with_fill(order, fill.lots), cause=cause, at=at)
        facts = PositionFacts(lots=held.lots)
        _write_position(position, execution.event, facts, money, cause=cause, at=at)
        BotFill.objects.create(
            order=order,
            position=position,
            venue_id=execution.venue_id,
            at=at,
            venue_at=execution.at,
            ticks=fill.ticks,
            lots=fill.lots,
            is_maker=execution.is_maker,
            fee=fill.fee,
            realised=realised,
        )
        Bot.objects.filter(pk=position.bot_id).update(
            realised=F("realised") + realised, fees=F("fees") + fill.fee
        )
    return True


def _with_fill(order: BotOrder, lots: int) -> OrderReport:
    """Return the order as it is after a fill."""
    filled = order.filled + lots
    return OrderReport(
        number=order.reported,
        state=VenueState.FILLED if filled == order.lots else VenueState.WORKING,
        lots=order.lots,
        filled=filled,
        ticks=order.ticks,
    )


@transaction.atomic
def _write_position(
    position: BotPosition,
    event: PositionEvent,
    facts: PositionFacts,
    money: dict[str, int],
    *,
    cause: str,
    at: datetime,
) -> None:
    before = position.life
    try:
        life = before.after(event, facts)
    except IllegalTransitionError:
        positions.refused()
        raise
    changed: dict[str, Any] = {
        **money,
        "state": life.state.value,
        "version": life.version,
        "updated_at": at,
        "closed_at": at if life.is_final else None,
    }
    rows = BotPosition.objects.filter(pk=position.pk, version=before.version)
    if not rows.update(**changed):
        raise StaleError(
            f"position {position.pk} has changed since version {before.version}: read again"
        )
    Transition.objects.create(
        position=position,
        version=life.version,
        source=before.state.value,
        event=event.value,
        target=life.state.value,
        lots=facts.lots,
        cause=cause,
        at=at,
        trace_id=trace_id(),
    )
    _take_over(position, changed)
    transaction.on_commit(lambda: positions.put(position.pk, life))
