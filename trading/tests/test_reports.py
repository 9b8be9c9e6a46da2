"""Reports of a venue, repeated, late and in any order."""

import itertools
import random
from dataclasses import replace

import pytest

from trading.core.orderstates import OrderEvent, OrderFacts, OrderLife, OrderState
from trading.core.reports import ContradictionError, steps
from trading.core.transitions import IllegalTransitionError
from venues.brokers import OrderReport, VenueState

LIFE = OrderLife(facts=OrderFacts(lots=10, ticks=100))


def said(
    state: VenueState, filled: int = 0, lots: int = 10, ticks: int = 100, number: int = 1
) -> OrderReport:
    return OrderReport(number=number, state=state, lots=lots, filled=filled, ticks=ticks)


GONE = OrderReport(number=9, state=VenueState.UNKNOWN)


def applied(life: OrderLife, *reports: OrderReport) -> OrderLife:
    for report in reports:
        for step in steps(life, report):
            life = step.life
    return life


@pytest.mark.parametrize(
    ("report", "events", "state"),
    [
        (said(VenueState.WORKING), [OrderEvent.ACCEPTED], OrderState.PLACED),
        (
            said(VenueState.WORKING, 4),
            [OrderEvent.ACCEPTED, OrderEvent.FILLED_PARTLY],
            OrderState.PARTIALLY_FILLED,
        ),
        (said(VenueState.FILLED, 10), [OrderEvent.FILLED], OrderState.FILLED),
        (
            said(VenueState.CANCELLED, 4),
            [OrderEvent.FILLED_PARTLY, OrderEvent.CANCELLED],
            OrderState.CANCELLED,
        ),
        (said(VenueState.REJECTED), [OrderEvent.REJECTED], OrderState.REJECTED),
        (said(VenueState.EXPIRED), [OrderEvent.EXPIRED], OrderState.FAILED),
        (GONE, [OrderEvent.NOT_FOUND], OrderState.FAILED),
        (
            said(VenueState.WORKING, 2, lots=6),
            [OrderEvent.ACCEPTED, OrderEvent.AMENDED, OrderEvent.FILLED_PARTLY],
            OrderState.PARTIALLY_FILLED,
        ),
    ],
)
def test_a_report_adds_the_events_that_were_missed(
    report: OrderReport, events: list[OrderEvent], state: OrderState
) -> None:
    found = steps(LIFE, report)
    assert [step.event for step in found] == events
    assert found[-1].life.state is state
    assert found[-1].life.facts.filled == report.filled


def test_an_order_that_shrinks_to_what_was_filled_is_filled() -> None:
    partly = applied(LIFE, said(VenueState.WORKING, 4))
    life = applied(partly, said(VenueState.FILLED, 4, lots=4, number=2))
    assert (life.state, life.facts) == (
        OrderState.FILLED,
        OrderFacts(lots=4, filled=4, ticks=100),
    )


def test_a_newer_report_of_an_ended_order_always_ends_it() -> None:
    for known, lots in itertools.product(range(4), range(1, 6)):
        life = applied(replace(LIFE, facts=OrderFacts(lots=4)), said(VenueState.WORKING, known, 4))
        for filled in range(known, lots + 1):
            end = VenueState.FILLED if filled == lots else VenueState.CANCELLED
            ended = applied(life, said(end, filled, lots, number=2))
            assert ended.is_final, (known, filled, lots)
            assert ended.facts.filled == filled


def test_repeated_and_late_reports_add_nothing() -> None:
    history = [
        said(VenueState.WORKING, number=1),
        said(VenueState.WORKING, 3, number=2),
        said(VenueState.WORKING, 3, lots=9, number=3),
        said(VenueState.WORKING, 8, lots=9, number=4),
        said(VenueState.CANCELLED, 8, lots=9, number=5),
    ]
    rng = random.Random(2)
    for _ in range(200):
        seen = [*rng.sample(history, rng.randint(0, len(history))), history[-1]]
        life = applied(LIFE, *seen, *rng.choices(history, k=4))
        facts = OrderFacts(lots=9, filled=8, ticks=100)
        assert (life.state, life.facts) == (OrderState.CANCELLED, facts)


def test_a_late_report_does_not_undo_an_amendment() -> None:
    amended = applied(LIFE, said(VenueState.WORKING, lots=6, number=7))
    assert steps(amended, said(VenueState.WORKING, number=3)) == []


def test_a_fill_after_the_end_is_a_contradiction() -> None:
    cancelled = applied(LIFE, said(VenueState.CANCELLED, 4))
    with pytest.raises(ContradictionError, match="CANCELLED with 4 of 10 lots"):
        steps(cancelled, said(VenueState.FILLED, 10))


def test_an_order_that_the_venue_forgot_after_its_end_is_no_contradiction() -> None:
    filled = applied(LIFE, said(VenueState.FILLED, 10))
    assert steps(filled, GONE) == []


def test_a_rejection_after_a_fill_is_illegal() -> None:
    partly = applied(LIFE, said(VenueState.WORKING, 4))
    with pytest.raises(IllegalTransitionError, match="REJECTED in PARTIALLY_FILLED"):
        steps(partly, said(VenueState.REJECTED, 4))
