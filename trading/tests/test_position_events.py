"""Fills and ends of orders as events of positions: always legal, whatever happens."""

import random

import pytest

from trading.core.positionevents import of_fill, of_no_working_orders, parts
from trading.core.positionstates import PositionEvent, PositionFacts, PositionLife, PositionState

BUY, SELL = 1, -1


@pytest.mark.parametrize(
    ("held", "side", "lots", "expected"),
    [
        (0, BUY, 5, [5]),
        (3, BUY, 5, [5]),
        (3, SELL, 2, [2]),
        (3, SELL, 3, [3]),
        (3, SELL, 5, [3, 2]),
        (-3, BUY, 5, [3, 2]),
    ],
)
def test_a_fill_is_split_at_zero(held: int, side: int, lots: int, expected: list[int]) -> None:
    assert parts(held, side, lots) == expected


def test_a_fill_across_zero_is_no_event() -> None:
    with pytest.raises(ValueError, match="split it at zero"):
        of_fill(PositionState.OPEN, 3, -2)


def test_random_fills_and_ends_are_always_legal() -> None:
    rng = random.Random(4)
    reached = set()
    for _ in range(500):
        life = PositionLife()
        for _ in range(12):
            life = step(life, rng)
            reached.add(life.state)
            if life.is_final:
                break
    assert reached == set(PositionState)


def step(life: PositionLife, rng: random.Random) -> PositionLife:
    """Return a position after a random fill, end of its orders, or exit."""
    held, what = life.facts.lots, rng.randrange(4)
    if what == 0 and held and life.state is not PositionState.CLOSING:
        return life.after(PositionEvent.EXIT_SENT)
    if what == 1:
        event = of_no_working_orders(life.state, held)
        return life if event is None else life.after(event)
    side = rng.choice((BUY, SELL))
    first = parts(held, side, rng.randint(1, 4))[0]
    facts = PositionFacts(lots=held + side * first)
    return life.after(of_fill(life.state, held, facts.lots), facts)
