"""The table of positions: every state with every event, and long random lives."""

import random
from itertools import product

import pytest

from trading.core.positionstates import (
    PositionEvent,
    PositionFacts,
    PositionLife,
    PositionState,
)
from trading.core.transitions import IllegalTransitionError

OPENING, OPEN, CLOSING, CLOSED = PositionState
LEGAL = {
    (OPENING, PositionEvent.ENTRY_FILLED): OPENING,
    (OPENING, PositionEvent.ENTRY_ENDED): OPEN,
    (OPENING, PositionEvent.REDUCED): OPENING,
    (OPENING, PositionEvent.EXIT_SENT): CLOSING,
    (OPENING, PositionEvent.FLAT): CLOSED,
    (OPEN, PositionEvent.INCREASED): OPEN,
    (OPEN, PositionEvent.REDUCED): OPEN,
    (OPEN, PositionEvent.EXIT_SENT): CLOSING,
    (OPEN, PositionEvent.FLAT): CLOSED,
    (CLOSING, PositionEvent.INCREASED): CLOSING,
    (CLOSING, PositionEvent.REDUCED): CLOSING,
    (CLOSING, PositionEvent.EXIT_FILLED): CLOSING,
    (CLOSING, PositionEvent.EXIT_ENDED): OPEN,
    (CLOSING, PositionEvent.FLAT): CLOSED,
}
SAID = {
    PositionEvent.ENTRY_FILLED: -7,
    PositionEvent.INCREASED: -7,
    PositionEvent.REDUCED: -2,
    PositionEvent.EXIT_FILLED: -2,
    PositionEvent.FLAT: 0,
}


@pytest.mark.parametrize(("state", "event"), list(product(PositionState, PositionEvent)))
def test_every_event_in_every_state(state: PositionState, event: PositionEvent) -> None:
    held = 0 if state is CLOSED else -5
    before = PositionLife(facts=PositionFacts(lots=held), state=state)
    said = PositionFacts(lots=SAID.get(event, held))
    if (state, event) in LEGAL:
        assert before.after(event, said).state is LEGAL[state, event]
    else:
        with pytest.raises(IllegalTransitionError, match=f"{event.name} in {state.name}"):
            before.after(event, said)


@pytest.mark.parametrize(
    ("event", "lots"),
    [
        (PositionEvent.INCREASED, 4),
        (PositionEvent.INCREASED, -7),
        (PositionEvent.REDUCED, 0),
        (PositionEvent.REDUCED, -1),
        (PositionEvent.FLAT, 1),
        (PositionEvent.EXIT_SENT, 4),
    ],
)
def test_guards_refuse_lots_that_do_not_fit(event: PositionEvent, lots: int) -> None:
    with pytest.raises(IllegalTransitionError):
        PositionLife(facts=PositionFacts(lots=5), state=OPEN).after(event, PositionFacts(lots=lots))


def test_random_lives_stay_within_the_table(pytestconfig: pytest.Config) -> None:
    rng = random.Random(14)
    events, reached = list(PositionEvent), set()
    for _ in range(1_000_000 if pytestconfig.getoption("--long") else 1_000):
        life = PositionLife()
        for _ in range(10):
            said = rng.choice((life.facts, PositionFacts(lots=rng.randint(-3, 3))))
            try:
                after = life.after(rng.choice(events), said)
            except IllegalTransitionError:
                continue
            assert after.version == life.version + 1
            assert life.facts.lots * after.facts.lots >= 0  # reversed only through CLOSED
            assert after.state is not CLOSED or not after.facts.lots
            assert after.state not in (OPEN, CLOSING) or after.facts.lots
            life = after
            reached.add(life.state)
    assert reached == set(PositionState)
