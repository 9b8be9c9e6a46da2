"""The step of clusters follows the average true range, with hysteresis."""

import numpy as np
import pytest

from archive.selections import Span
from exchange.kinds import CANDLES_OF_TRADES
from exchange.models import TradeCandle
from market.candles import CANDLE, Candles
from orderflow.clusters import Integers
from orderflow.stepping import auto_steps, step_after
from orderflow.steps import FEWEST_ROWS, MOST_ROWS, PERIOD, following_steps, ladder_step
from orderflow.tests.naive import random_trades
from orderflow.tests.recorded import make_traded, store
from quotes.derived import closed_candles


def candles_of(ranges: list[int]) -> Candles:
    """Return candles that all close in their middle, with these ranges."""
    candles = np.zeros(len(ranges), CANDLE)
    candles["close"] = 1_000_000
    candles["high"] = 1_000_000 + np.array(ranges) // 2
    candles["low"] = candles["high"] - ranges
    return candles


def wilder(candles: Candles) -> list[float]:
    """Return the average true range after each candle, as textbooks have it."""
    averages: list[float] = []
    true_ranges: list[float] = []
    for i, candle in enumerate(candles):
        spread = candle["high"] - candle["low"]
        if i:
            close = candles["close"][i - 1]
            spread = max(spread, abs(candle["high"] - close), abs(candle["low"] - close))
        true_ranges.append(float(spread))
        if i < PERIOD:
            averages.append(sum(true_ranges) / len(true_ranges))
        else:
            averages.append((averages[-1] * (PERIOD - 1) + spread) / PERIOD)
    return averages


def test_steps_are_round_numbers() -> None:
    wanted = [0.3, 1, 1.1, 2.1, 5, 5.5, 10.1, 21, 500, 501]
    assert [ladder_step(least) for least in wanted] == [1, 1, 2, 5, 5, 10, 20, 50, 500, 1000]


def test_average_true_range_stays_within_the_rows_of_the_step() -> None:
    rng = np.random.default_rng(1)
    ranges = np.abs(np.cumsum(rng.normal(0, 40, 5_000))).astype(int) + 1
    candles = candles_of(ranges.tolist())
    candles["close"] += rng.integers(-50, 50, len(candles))
    steps = following_steps(candles)
    for step, average in zip(steps[1:], wilder(candles), strict=True):
        assert average / step <= MOST_ROWS + 1e-6
        assert step == 1 or average / step >= FEWEST_ROWS - 1e-6
    assert set(steps) <= {ladder_step(step) for step in range(1, 10_000)}
    changes = np.flatnonzero(np.diff(steps))
    assert 3 < len(changes) < 500


def test_steps_do_not_flicker_while_volatility_hovers_at_a_threshold() -> None:
    ranges = [24 + (25 if i % 2 else -23) for i in range(2_000)]
    assert len(np.unique(following_steps(candles_of(ranges))[200:])) == 1


@pytest.mark.django_db
def test_the_step_of_a_candle_does_not_depend_on_the_range_that_is_asked_for() -> None:
    es = make_traded()
    rng = np.random.default_rng(2)
    trades = random_trades(rng, 6_000, pause_s=120)
    swings = (1 + np.arange(6_000) // 500 % 5) ** 2
    trades["ticks"] = 10**6 + np.cumsum(rng.integers(-9, 10, 6_000) * swings)
    store(es, trades)
    candles = closed_candles(CANDLES_OF_TRADES, es, 300, Span())
    opened: Integers = candles["opened_at"]
    assert len(opened) > 600
    whole = auto_steps(es, 300, opened)
    assert len(np.unique(whole)) > 2
    for _ in range(20):
        first, end = np.sort(rng.choice(len(opened), 2, replace=False))
        assert np.array_equal(auto_steps(es, 300, opened[first:end]), whole[first:end])
    assert len(auto_steps(es, 300, opened[:0])) == 0


@pytest.mark.django_db
def test_steps_are_computed_again_for_another_history() -> None:
    es = make_traded()
    trades = random_trades(np.random.default_rng(3), 300, pause_s=20)
    store(es, trades)
    (opened,) = closed_candles(CANDLES_OF_TRADES, es, 60, Span())["opened_at"][-1:].tolist()
    first = step_after(es, 60, 1, opened)
    TradeCandle.objects.filter(timeframe=60).update(high=10**7)
    assert step_after(es, 60, 1, opened) == first
    assert step_after(es, 60, 2, opened) > first
