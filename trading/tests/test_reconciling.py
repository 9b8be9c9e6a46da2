"""Recovery decides: each kind of trouble, and nothing left after its remedies."""

import random
from dataclasses import replace

import pytest

from trading.core.orderstates import OrderEvent, OrderFacts, OrderLife, OrderState
from trading.core.reconciling import (
    Clock,
    Finding,
    Ours,
    Remedy,
    Trouble,
    compare_orders,
    compare_positions,
    find_strangers,
)
from trading.core.reports import steps
from venues.brokers import OrderReport, VenueState

S = 1_000_000
NEW = OrderLife(facts=OrderFacts(lots=10, ticks=100))
PLACED = NEW.after(OrderEvent.ACCEPTED)
PARTLY = PLACED.after(OrderEvent.FILLED_PARTLY, OrderFacts(lots=10, filled=4, ticks=100))
CLOCK = Clock(now=10_000 * S, in_flight_us=5 * S, hanging_us=1800 * S)
GONE = OrderReport(number=0, state=VenueState.UNKNOWN)


def said(state: VenueState, filled: int = 0) -> OrderReport:
    return OrderReport(number=5, state=state, lots=10, filled=filled, ticks=100)


def found(
    life: OrderLife, report: OrderReport, *, age_s: int = 60, sent_s: int | None = 60
) -> list[tuple[Trouble, Remedy]]:
    order = Ours(
        client_id="a",
        life=life,
        changed_at=CLOCK.now - age_s * S,
        sent_at=None if sent_s is None else CLOCK.now - sent_s * S,
    )
    return [(each.trouble, each.remedy) for each in compare_orders([order], {"a": report}, CLOCK)]


@pytest.mark.parametrize(
    ("life", "report", "expected"),
    [
        (PLACED, said(VenueState.WORKING), []),
        (PARTLY, said(VenueState.WORKING, 4), []),
        (NEW, said(VenueState.WORKING), [(Trouble.STATUS_MISMATCH, Remedy.APPLY)]),
        (PLACED, said(VenueState.FILLED, 10), [(Trouble.STATUS_MISMATCH, Remedy.APPLY)]),
        (PARTLY, said(VenueState.CANCELLED, 4), [(Trouble.STATUS_MISMATCH, Remedy.APPLY)]),
        (PLACED, GONE, [(Trouble.NOT_FOUND, Remedy.APPLY)]),
        (PARTLY, said(VenueState.REJECTED, 4), [(Trouble.CONTRADICTION, Remedy.TELL)]),
    ],
)
def test_what_is_found(
    life: OrderLife, report: OrderReport, expected: list[tuple[Trouble, Remedy]]
) -> None:
    assert found(life, report) == expected


@pytest.mark.parametrize(
    ("sent_s", "remedy"), [(None, Remedy.APPLY), (5, Remedy.WAIT), (6, Remedy.APPLY)]
)
def test_an_order_has_failed_only_when_no_request_can_arrive(
    sent_s: int | None, remedy: Remedy
) -> None:
    assert found(NEW, GONE, sent_s=sent_s) == [(Trouble.NOT_FOUND, remedy)]


def test_an_intermediate_state_hangs_after_half_an_hour() -> None:
    report, limit_s = said(VenueState.WORKING, 4), CLOCK.hanging_us // S
    assert found(PARTLY, report, age_s=limit_s) == []
    assert found(PARTLY, report, age_s=limit_s + 1) == [(Trouble.HANGING, Remedy.TELL)]
    assert found(PLACED, said(VenueState.WORKING), age_s=limit_s + 1) == []


def test_strangers_are_cancelled_if_they_were_ours() -> None:
    strangers = list(find_strangers(["pt-1", "pt-2", "other"], frozenset({"pt-1"}), "pt-"))
    assert [(each.name, each.remedy) for each in strangers] == [
        ("pt-2", Remedy.CANCEL),
        ("other", Remedy.TELL),
    ]


def test_positions_are_compared_in_both_directions() -> None:
    findings = list(compare_positions({"ES": 5, "NQ": -2}, {"ES": 5, "YM": 1}))
    assert [(each.name, each.text) for each in findings] == [
        ("NQ", "we have -2 lots, the venue +0"),
        ("YM", "we have +0 lots, the venue +1"),
    ]


def test_nothing_is_left_after_the_remedies() -> None:
    rng = random.Random(8)
    for _ in range(300):
        life = rng.choice((NEW, PLACED, PARTLY))
        filled = rng.randint(life.facts.filled, 9)
        report = rng.choice(
            (
                GONE,
                said(VenueState.FILLED, 10),
                *(
                    said(state, filled)
                    for state in (VenueState.WORKING, VenueState.CANCELLED, VenueState.EXPIRED)
                ),
            )
        )
        order = Ours(client_id="a", life=life, changed_at=CLOCK.now, sent_at=0)
        for finding in compare_orders([order], {"a": report}, CLOCK):
            order = remedied(order, finding, report)
        if order.life.state in (OrderState.PLACED, OrderState.PARTIALLY_FILLED):
            assert list(compare_orders([order], {"a": report}, CLOCK)) == []
        else:
            assert order.life.is_final


def remedied(order: Ours, finding: Finding, report: OrderReport) -> Ours:
    assert finding.remedy is Remedy.APPLY
    for step in steps(order.life, report):
        order = replace(order, life=step.life)
    return order
