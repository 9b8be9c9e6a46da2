"""Orders and positions in the database: row, version, history and fills move together."""

from typing import Any

import pytest

from archive.auditing import Report
from exchange.engine.messages import BUY, SELL
from trading import journeys
from trading.auditing import audit_bots
from trading.core.orderstates import OrderState
from trading.core.positionstates import PositionEvent, PositionState
from trading.core.profits import Fill
from trading.core.transitions import IllegalTransitionError
from trading.journeys import Execution, StaleError, count_execution, move_position, report_order
from trading.models import BotFill, BotOrder, BotPosition, Transition
from trading.tests.bots import NOW, TICK_VALUE, bot, order, position
from venues.brokers import OrderReport, VenueState

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def held() -> BotPosition:
    return position(bot())


def seen(state: VenueState, filled: int = 0, number: int = 1) -> OrderReport:
    return OrderReport(number=number, state=state, lots=10, filled=filled, ticks=20_000)


def report(of: BotOrder, what: OrderReport) -> None:
    report_order(of, what, cause="a test", at=NOW)


def fill(
    of: BotOrder,
    to: BotPosition,
    lots: int,
    name: str,
    ticks: int = 20_000,
    event: PositionEvent = PositionEvent.ENTRY_FILLED,
) -> bool:
    execution = Execution(
        venue_id=name, fill=Fill(of.side, ticks, lots, fee=3), is_maker=True, event=event
    )
    return count_execution(of, to, execution, tick_value=TICK_VALUE, at=NOW)


def violations() -> list[str]:
    found = Report("bots")
    audit_bots(found)
    return found.violations


def test_machines_that_have_ended_are_forgotten(
    held: BotPosition, django_capture_on_commit_callbacks: Any
) -> None:
    entry = order(held)
    with django_capture_on_commit_callbacks(execute=True):
        report(entry, seen(VenueState.WORKING))
    journeys.forget_final()
    assert journeys.orders.get(entry.pk) is not None
    with django_capture_on_commit_callbacks(execute=True):
        report(entry, seen(VenueState.CANCELLED, number=2))
    journeys.forget_final()
    assert journeys.orders.get(entry.pk) is None


def test_a_report_writes_row_and_history(held: BotPosition) -> None:
    entry = order(held)
    report(entry, seen(VenueState.WORKING))
    report(entry, seen(VenueState.CANCELLED, number=2))
    stored = BotOrder.objects.get(pk=entry.pk)
    assert (stored.state, stored.version, stored.reported) == (OrderState.CANCELLED, 2, 2)
    history = Transition.objects.filter(order=entry).order_by("version")
    assert list(history.values_list("source", "target")) == [
        (OrderState.PENDING, OrderState.PLACED),
        (OrderState.PLACED, OrderState.CANCELLED),
    ]
    assert violations() == []


def test_a_decision_on_an_old_version_is_stale(held: BotPosition) -> None:
    entry = order(held)
    other = BotOrder.objects.get(pk=entry.pk)
    report(entry, seen(VenueState.WORKING))
    with pytest.raises(StaleError, match="since version 0"):
        report(other, seen(VenueState.CANCELLED, number=2))
    assert Transition.objects.filter(order=entry).count() == 1


def test_an_illegal_report_changes_nothing_and_is_counted(held: BotPosition) -> None:
    entry = order(held)
    fill(entry, held, 4, "1")
    before = journeys.orders.statistics().refused
    with pytest.raises(IllegalTransitionError):
        report(entry, seen(VenueState.REJECTED, filled=4, number=2))
    assert journeys.orders.statistics().refused == before + 1
    assert BotOrder.objects.get(pk=entry.pk).state == OrderState.PARTIALLY_FILLED
    assert violations() == []


def test_a_round_trip_adds_up(held: BotPosition) -> None:
    entry = order(held)
    assert fill(entry, held, 4, "1")
    assert fill(entry, held, 6, "2", ticks=20_010)
    report(entry, seen(VenueState.FILLED, filled=10, number=2))
    move_position(held, PositionEvent.ENTRY_ENDED, cause="entry filled", at=NOW)
    move_position(held, PositionEvent.EXIT_SENT, cause="exit", at=NOW)
    leaving = order(held, "b1-2", SELL)
    assert fill(leaving, held, 10, "3", ticks=20_016, event=PositionEvent.FLAT)
    stored = BotPosition.objects.get(pk=held.pk)
    assert (stored.state, stored.lots, stored.cost) == (PositionState.CLOSED, 0, 0)
    assert stored.realised == (4 * 16 + 6 * 6) * TICK_VALUE
    assert stored.fees == 9
    assert violations() == []


def test_an_execution_is_counted_once(held: BotPosition) -> None:
    entry = order(held)
    assert fill(entry, held, 4, "1")
    assert not fill(entry, held, 4, "1")
    assert BotFill.objects.count() == 1
    assert BotOrder.objects.get(pk=entry.pk).filled == 4
    assert violations() == []


def test_an_illegal_fill_leaves_order_and_position_as_they_were(held: BotPosition) -> None:
    entry = order(held)
    with pytest.raises(IllegalTransitionError):
        fill(entry, held, 4, "1", event=PositionEvent.FLAT)
    assert BotOrder.objects.get(pk=entry.pk).filled == 0
    assert not BotFill.objects.exists()
    assert violations() == []


@pytest.mark.parametrize(
    ("change", "violation"),
    [
        (lambda held: BotFill.objects.all().delete(), "its fills have"),
        (lambda held: BotPosition.objects.update(realised=1), "its fills have"),
        (lambda held: BotOrder.objects.update(version=7), "has version 7"),
        (lambda held: Transition.objects.filter(version=2).update(event=0), "not in the table"),
        (lambda held: Transition.objects.filter(version=2).update(source=0), "does not begin"),
    ],
)
def test_audit_finds_what_does_not_follow(held: BotPosition, change, violation: str) -> None:
    entry = order(held, side=BUY)
    fill(entry, held, 4, "1")
    fill(entry, held, 2, "2")
    assert violations() == []
    change(held)
    assert any(violation in found for found in violations())
