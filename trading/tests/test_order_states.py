"""The table of orders: every state with every event, and long random lives."""

import random
from itertools import product

import pytest

from trading.core.orderstates import (
    ORDER_TABLE,
    WORKING,
    OrderEvent,
    OrderFacts,
    OrderLife,
    OrderState,
)
from trading.core.transitions import IllegalTransitionError

FACTS = OrderFacts(lots=10, ticks=100)
PARTLY = OrderFacts(lots=10, filled=4, ticks=100)
WHOLE = OrderFacts(lots=10, filled=10, ticks=100)
BEGINNING = {
    OrderState.PARTIALLY_FILLED: PARTLY,
    OrderState.FILLED: WHOLE,
}
SAID = {
    OrderEvent.AMENDED: lambda facts: OrderFacts(lots=12, filled=facts.filled, ticks=101),
    OrderEvent.FILLED_PARTLY: lambda facts: OrderFacts(lots=10, filled=6, ticks=100),
    OrderEvent.FILLED: lambda facts: WHOLE,
}
P, A, F, C, R, X = (
    OrderState.PARTIALLY_FILLED,
    OrderState.PLACED,
    OrderState.FILLED,
    OrderState.CANCELLED,
    OrderState.REJECTED,
    OrderState.FAILED,
)
LEGAL = {
    #                         ACC AMD PRT FIL CAN REJ EXP NOT
    OrderState.PENDING: (A, OrderState.PENDING, P, F, C, R, X, X),
    OrderState.PLACED: (None, A, P, F, C, R, X, X),
    OrderState.PARTIALLY_FILLED: (None, P, P, F, C, None, X, X),
    OrderState.FILLED: (None,) * 8,
    OrderState.CANCELLED: (None,) * 8,
    OrderState.REJECTED: (None,) * 8,
    OrderState.FAILED: (None,) * 8,
}


@pytest.mark.parametrize(("state", "event"), list(product(OrderState, OrderEvent)))
def test_every_event_in_every_state(state: OrderState, event: OrderEvent) -> None:
    before = OrderLife(facts=BEGINNING.get(state, FACTS), state=state, version=3)
    facts = SAID.get(event, lambda facts: facts)(before.facts)
    expected = LEGAL[state][event]
    if expected is None:
        with pytest.raises(IllegalTransitionError, match=f"{event.name} in {state.name}"):
            before.after(event, facts)
    else:
        after = before.after(event, facts)
        assert (after.state, after.facts, after.version) == (expected, facts, 4)


def test_terminal_states_are_those_without_rules() -> None:
    assert set(WORKING) == {OrderState.PENDING, OrderState.PLACED, OrderState.PARTIALLY_FILLED}
    assert len(ORDER_TABLE) >= 15


@pytest.mark.parametrize(
    ("before", "event", "facts", "reason"),
    [
        (FACTS, OrderEvent.ACCEPTED, PARTLY, "4 lots are filled"),
        (FACTS, OrderEvent.FILLED, PARTLY, "6 of 10 lots are not filled"),
        (FACTS, OrderEvent.FILLED_PARTLY, FACTS, "filled must lie between 0 and 10, not be 0"),
        (FACTS, OrderEvent.FILLED_PARTLY, WHOLE, "not be 10"),
        (FACTS, OrderEvent.FILLED_PARTLY, OrderFacts(lots=11, filled=4, ticks=100), "a fill"),
        (FACTS, OrderEvent.AMENDED, FACTS, "nothing changes"),
        (FACTS, OrderEvent.AMENDED, PARTLY, "an amendment cannot change filled"),
        (FACTS, OrderEvent.CANCELLED, PARTLY, "must not change"),
    ],
)
def test_guards_refuse_facts_that_do_not_fit(
    before: OrderFacts, event: OrderEvent, facts: OrderFacts, reason: str
) -> None:
    with pytest.raises(IllegalTransitionError, match=reason):
        OrderLife(facts=before).after(event, facts)


@pytest.mark.parametrize("wrong", [{"lots": 0}, {"lots": 5, "filled": 6}, {"lots": 5, "ticks": -1}])
def test_impossible_facts_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="use"):
        OrderFacts(**wrong)


def test_random_lives_stay_within_the_table(pytestconfig: pytest.Config) -> None:
    rng = random.Random(14)
    events, reached = list(OrderEvent), set()
    for _ in range(1_000_000 if pytestconfig.getoption("--long") else 1_000):
        life = OrderLife(facts=FACTS)
        for _ in range(10):
            lots = rng.randint(1, 12)
            facts = OrderFacts(lots=lots, filled=rng.randint(0, lots), ticks=rng.choice((100, 101)))
            said = rng.choice((life.facts, facts))
            try:
                after = life.after(rng.choice(events), said)
            except IllegalTransitionError:
                continue
            check(life, after)
            life = after
            reached.add(life.state)
    assert reached == set(OrderState)


def check(before: OrderLife, after: OrderLife) -> None:
    """Check what holds after every transition."""
    facts = after.facts
    assert before.state in WORKING
    assert after.version == before.version + 1
    assert facts.filled >= before.facts.filled
    assert (after.state is OrderState.FILLED) == (facts.leaves == 0)
    if after.state in (OrderState.PENDING, OrderState.PLACED, OrderState.REJECTED):
        assert facts.filled == 0
    if after.state is OrderState.PARTIALLY_FILLED:
        assert 0 < facts.filled < facts.lots
