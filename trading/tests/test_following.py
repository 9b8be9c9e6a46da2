"""What a venue says, applied to a bot: in any order that the interface allows, and repeated."""

from dataclasses import replace

import pytest

from archive.auditing import Report
from exchange.engine.messages import BUY, SELL
from trading.auditing import audit_bots
from trading.core.orderstates import OrderState
from trading.core.positionstates import PositionState
from trading.following import Follower, UncountedError
from trading.models import Bot, BotFill, BotOrder, BotPosition
from trading.tests.bots import NOW, bot, order, position
from venues.brokers import ExecutionSeen, OrderReport, OrderSeen, VenueState

pytestmark = pytest.mark.django_db


@pytest.fixture
def follower() -> Follower:
    return Follower(bot(), lambda: NOW)


@pytest.fixture
def entry(follower: Follower) -> BotOrder:
    return order(position(Bot.objects.get()))


def execution(number: int, lots: int, side: int = BUY, client_id: str = "b1-1") -> ExecutionSeen:
    return ExecutionSeen(
        number=number, venue_id=str(number), client_id=client_id, symbol="ES", at=0, side=side,
        ticks=20_000, lots=lots, is_maker=True, fee=7, realised=0,
    )  # fmt: skip


def report(state: VenueState, filled: int, number: int, client_id: str = "b1-1") -> OrderSeen:
    said = OrderReport(number=number, state=state, lots=10, filled=filled, ticks=20_000)
    return OrderSeen(client_id=client_id, venue_id="77", report=said)


def violations() -> list[str]:
    found = Report("bots")
    audit_bots(found)
    return found.violations


def test_a_filled_entry_opens_the_position(follower: Follower, entry: BotOrder) -> None:
    assert follower.report(report(VenueState.WORKING, 0, 1))
    assert follower.execution(execution(1, 10))
    assert not follower.report(report(VenueState.FILLED, 10, 2))  # the execution said so already
    stored = BotOrder.objects.get()
    assert (stored.state, stored.venue_id) == (OrderState.FILLED, "77")
    held = BotPosition.objects.get()
    assert (held.state, held.lots, held.fees) == (PositionState.OPEN, 10, 7)
    assert Bot.objects.get().executions == 1
    assert violations() == []


def test_the_history_stores_the_beginning_of_a_long_reason(
    follower: Follower, entry: BotOrder
) -> None:
    said = replace(report(VenueState.CANCELLED, 0, 1), reason="x" * 500)
    assert follower.report(said)
    assert entry.transitions.get().cause == "x" * 200


def test_repeats_change_nothing(follower: Follower, entry: BotOrder) -> None:
    working, cancelled = report(VenueState.WORKING, 4, 1), report(VenueState.CANCELLED, 4, 2)
    story: list[ExecutionSeen | OrderSeen] = [execution(1, 4), working, cancelled]
    for said in story + story:
        if isinstance(said, ExecutionSeen):
            follower.execution(said)
        else:
            follower.report(said)
    assert BotFill.objects.count() == 1
    assert BotOrder.objects.get().version == 3
    assert BotPosition.objects.get().state == PositionState.OPEN
    assert violations() == []


def test_a_report_waits_for_its_executions(follower: Follower, entry: BotOrder) -> None:
    with pytest.raises(UncountedError, match="filled 4 lots, executions of 0"):
        follower.report(report(VenueState.CANCELLED, 4, 1))
    assert BotOrder.objects.get().state == OrderState.PENDING


def test_an_entry_without_a_fill_closes_the_position(follower: Follower, entry: BotOrder) -> None:
    follower.report(report(VenueState.CANCELLED, 0, 1))
    assert BotPosition.objects.get().state == PositionState.CLOSED
    assert violations() == []


def test_a_fill_that_reverses_closes_one_position_and_opens_another(
    follower: Follower, entry: BotOrder
) -> None:
    follower.execution(execution(1, 4))
    follower.report(report(VenueState.CANCELLED, 4, 2))
    order(BotPosition.objects.get(), "b1-2", SELL)
    assert follower.execution(execution(2, 10, SELL, "b1-2"))
    assert not follower.execution(execution(2, 10, SELL, "b1-2"))
    first, second = BotPosition.objects.order_by("id")
    assert (first.state, first.lots) == (PositionState.CLOSED, 0)
    assert (second.state, second.lots) == (PositionState.OPEN, -6)
    assert first.fees + second.fees == 14
    assert violations() == []


def test_executions_of_others_only_move_the_cursor(follower: Follower, entry: BotOrder) -> None:
    assert not follower.execution(replace(execution(5, 3), client_id="somebody"))
    assert not BotFill.objects.exists()
    assert Bot.objects.get().executions == 5


def test_orders_of_another_bot_are_not_touched(follower: Follower, entry: BotOrder) -> None:
    other = Follower(bot("b2"), lambda: NOW)
    assert not other.execution(execution(1, 3))
    assert not other.report(report(VenueState.WORKING, 0, 1))
    assert BotOrder.objects.get().state == OrderState.PENDING
