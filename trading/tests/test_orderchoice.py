"""The choice of a style, and chases within their bounds."""

import random
from dataclasses import replace

import pytest

from trading.core.chasing import Chase, Chased, Decision, Move, decide
from trading.core.orderchoice import Choice, Circumstances, Touch, choose
from venues.brokers import Style

BUY, SELL = 1, -1
TOUCH = Touch(bid=100, ask=102)  # crossing costs one tick
CALM = Circumstances(touch=TOUCH, volatility=1.0, urgency=0.5)
CHASE = Chase(most_moves=3, most_ticks=5, longest_s=10)


@pytest.mark.parametrize(
    ("now", "buy", "sell"),
    [
        (CALM, Choice(Style.POST_ONLY, 100), Choice(Style.POST_ONLY, 102)),
        (replace(CALM, volatility=2.0), Choice(Style.LIMIT, 102), Choice(Style.LIMIT, 100)),
        (replace(CALM, volatility=4.0), Choice(Style.MARKET, 0), Choice(Style.MARKET, 0)),
        (replace(CALM, urgency=1.0), Choice(Style.MARKET, 0), Choice(Style.MARKET, 0)),
        (
            replace(CALM, volatility=4.0, taker_ppm=50_000),  # the fee is five ticks
            Choice(Style.POST_ONLY, 100),
            Choice(Style.POST_ONLY, 102),
        ),
    ],
)
def test_style_follows_urgency_spread_volatility_and_fees(
    now: Circumstances, buy: Choice, sell: Choice
) -> None:
    assert (choose(BUY, now), choose(SELL, now)) == (buy, sell)


def test_more_urgency_is_never_more_passive() -> None:
    styles = [choose(BUY, replace(CALM, volatility=5.0, urgency=u / 20)).style for u in range(21)]
    assert styles == sorted(styles)
    assert set(styles) == set(Style)


@pytest.mark.parametrize("wrong", [{"urgency": 1.1}, {"volatility": float("nan")}])
def test_impossible_circumstances_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(CALM, **wrong)  # type: ignore[arg-type]  # either of two floats


@pytest.mark.parametrize(
    ("order", "touch", "decision"),
    [
        (Chased(side=BUY, first_ticks=100, ticks=100), TOUCH, Decision(Move.KEEP)),
        (
            Chased(side=BUY, first_ticks=98, ticks=98, moves=2),
            TOUCH,
            Decision(Move.REPRICE, 100),
        ),
        (Chased(side=BUY, first_ticks=96, ticks=98, moves=3), TOUCH, Decision(Move.GIVE_UP)),
        (Chased(side=BUY, first_ticks=93, ticks=97), TOUCH, Decision(Move.REPRICE, 98)),
        (Chased(side=BUY, first_ticks=93, ticks=98), TOUCH, Decision(Move.GIVE_UP)),
        (Chased(side=SELL, first_ticks=104, ticks=104), TOUCH, Decision(Move.REPRICE, 102)),
        (
            Chased(side=BUY, first_ticks=100, ticks=100, waited_s=10),
            TOUCH,
            Decision(Move.GIVE_UP),
        ),
    ],
)
def test_a_chase_keeps_follows_and_ends(order: Chased, touch: Touch, decision: Decision) -> None:
    assert decide(CHASE, order, touch) == decision


def test_a_chase_that_may_cross_stays_within_its_distance() -> None:
    crossing = replace(CHASE, crosses=True)
    late = Chased(side=BUY, first_ticks=97, ticks=97, waited_s=11)
    assert decide(crossing, late, TOUCH) == Decision(Move.CROSS, 102)
    far = replace(late, first_ticks=96)
    assert decide(crossing, far, TOUCH) == Decision(Move.GIVE_UP)


def test_every_chase_ends_within_its_bounds() -> None:
    rng = random.Random(3)
    for _ in range(300):
        side, bid = rng.choice((BUY, SELL)), 100
        touch = Touch(bid=bid, ask=bid + 1)
        order = Chased(side=side, first_ticks=touch.own(side), ticks=touch.own(side))
        for second in range(12):
            move, ticks = decide(CHASE, replace(order, waited_s=float(second)), touch)
            if move is Move.GIVE_UP:
                break
            if move is Move.REPRICE:
                assert side * (ticks - order.first_ticks) <= CHASE.most_ticks
                order = replace(order, ticks=ticks, moves=order.moves + 1)
            bid += rng.randint(-2, 2)
            touch = Touch(bid=bid, ask=bid + rng.randint(1, 3))
        else:
            pytest.fail("the chase did not end")
        assert order.moves <= CHASE.most_moves
