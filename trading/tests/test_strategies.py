"""What the built-in strategies want, and which orders bring it about."""

from dataclasses import replace

import pytest

from exchange.matching import BUY, SELL
from trading.core.chasing import Chase
from trading.core.orderchoice import Circumstances, Touch
from trading.core.strategies.catalogue import STRATEGIES
from trading.core.strategies.orders import Actions, Order, Working, actions
from trading.core.strategies.strategy import Decision, Level, Quote, Seen, Strategy
from venues.brokers import Style

CHASE = Chase(most_moves=3, most_ticks=5, longest_s=10, crosses=True)
NOW = Circumstances(touch=Touch(bid=99, ask=101), volatility=0, urgency=1)
PATIENT = Circumstances(touch=Touch(bid=99, ask=101), volatility=0, urgency=0)


def strategy(name: str, **given: float) -> Strategy:
    kind = STRATEGIES[name]
    defaults = {each: bounds.default for each, bounds in kind.parameters.items()}
    return kind.of({**defaults, **given})


def seen(bid_lots: int = 10, ask_lots: int = 10, held: int = 0) -> Seen:
    bids, asks = [Level(99, bid_lots)], [Level(101, ask_lots)]
    return Seen(symbol="ES", at=0, bids=bids, asks=asks, held=held)


@pytest.mark.parametrize(
    ("bid", "ask", "held", "target"),
    [
        (75, 25, 0, 2),
        (74, 26, 0, 0),
        (25, 75, 0, -2),
        (26, 74, 0, 0),
        (60, 40, 2, 2),
        (50, 50, 2, 0),
        (40, 60, 2, 0),
        (40, 60, -2, -2),
        (10, 90, 2, -2),
    ],
)
def test_imbalance_enters_at_its_thresholds_and_leaves_when_the_book_is_even(
    bid: int, ask: int, held: int, target: int
) -> None:
    decision = strategy("imbalance", lots=2).decide(seen(bid, ask, held))
    assert decision is not None
    assert decision.target == target
    assert decision.why["imbalance"] == bid / 100


def test_imbalance_says_nothing_of_an_empty_book() -> None:
    empty = Seen(symbol="ES", at=0, bids=[], asks=[], held=0)
    assert strategy("imbalance").decide(empty) is None
    assert strategy("marketmaker").decide(empty) is None


def quotes(held: int, **given: float) -> list[tuple[int, int, int]]:
    decision = strategy("marketmaker", **given).decide(seen(held=held))
    assert decision is not None
    return [(quote.side, quote.ticks, quote.lots) for quote in decision.quotes]


def test_a_market_maker_quotes_the_best_prices() -> None:
    assert quotes(0) == [(BUY, 99, 1), (SELL, 101, 1)]
    assert quotes(0, distance=3) == [(BUY, 96, 1), (SELL, 104, 1)]


def test_a_market_maker_moves_its_prices_against_its_position() -> None:
    assert quotes(4, lots=2, most_lots=5, skew=10) == [(BUY, 91, 1), (SELL, 100, 2)]
    assert quotes(5, most_lots=5, skew=0) == [(SELL, 101, 1)]
    assert quotes(-5, most_lots=5, skew=0) == [(BUY, 99, 1)]


def test_a_market_maker_whose_orders_never_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="lots 3 exceeds most_lots 2"):
        strategy("marketmaker", lots=3, most_lots=2)


def working(side: int, ticks: int, leaves: int, style: Style = Style.POST_ONLY) -> Working:
    return Working(client_id=f"{side}@{ticks}", side=side, style=style, ticks=ticks, leaves=leaves)


def test_quotes_that_rest_already_are_kept_and_others_replaced() -> None:
    wanted = Decision(
        quotes=[Quote(side=BUY, ticks=99, lots=1), Quote(side=SELL, ticks=101, lots=1)]
    )
    rests = [working(BUY, 99, 1), working(SELL, 102, 1)]
    missing = Order(SELL, Style.POST_ONLY, 1, 101, reduce_only=False)
    assert actions(wanted, 0, rests, NOW, CHASE) == Actions([f"{SELL}@102"], [missing])


def test_a_target_is_reached_by_one_order_and_through_zero_by_two() -> None:
    assert actions(Decision(target=2), 0, [], NOW, CHASE).send == [
        Order(BUY, Style.MARKET, 2, 0, reduce_only=False)
    ]
    assert actions(Decision(target=-2), 3, [], NOW, CHASE).send == [
        Order(SELL, Style.MARKET, 3, 0, reduce_only=True)
    ]
    assert actions(Decision(target=1), 3, [], NOW, CHASE).send == [
        Order(SELL, Style.MARKET, 2, 0, reduce_only=True)
    ]
    assert actions(Decision(target=3), 3, [], NOW, CHASE) == Actions([], [])


def test_a_patient_order_waits_at_the_best_price_and_follows_it() -> None:
    (order,) = actions(Decision(target=2), 0, [], PATIENT, CHASE).send
    assert order == Order(BUY, Style.POST_ONLY, 2, 99, reduce_only=False)
    assert actions(Decision(target=2), 0, [working(BUY, 99, 2)], PATIENT, CHASE) == Actions([], [])
    late = actions(Decision(target=2), 0, [working(BUY, 98, 2)], PATIENT, CHASE)
    assert late == Actions([], [], {f"{BUY}@98": 99})


def test_an_order_that_has_waited_long_enough_is_replaced_by_one_that_takes() -> None:
    waiting = replace(working(BUY, 99, 2), waited_s=10)
    ended = actions(Decision(target=2), 0, [waiting], PATIENT, CHASE)
    assert (ended.cancel, ended.crosses, ended.gives_up) == ([f"{BUY}@99"], True, False)
    (order,) = actions(Decision(target=2), 0, [], replace(PATIENT, has_waited=True), CHASE).send
    assert order == Order(BUY, Style.LIMIT, 2, 101, reduce_only=False)
    patient = replace(CHASE, crosses=False)
    assert actions(Decision(target=2), 0, [waiting], PATIENT, patient).gives_up


def test_a_chase_ends_at_its_bounds() -> None:
    moved = replace(working(BUY, 98, 2), moves=3)
    assert actions(Decision(target=2), 0, [moved], PATIENT, CHASE).cancel == [f"{BUY}@98"]
    far = replace(working(BUY, 98, 2), first_ticks=93)
    assert actions(Decision(target=2), 0, [far], PATIENT, CHASE).cancel == [f"{BUY}@98"]
