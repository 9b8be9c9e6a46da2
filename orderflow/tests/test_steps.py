"""The step of clusters follows the average true range, with hysteresis."""

from itertools import pairwise

import numpy as np
import pytest
from django.test import Client

from archive.selections import Span
from exchange.kinds import CANDLES_OF_TRADES
from exchange.models import TradeCandle
from market.candles import CANDLE, Candles
from orderflow.rowtexts import COLUMNS
from orderflow.stepping import AUTO, auto_steps, block_of, step_after
from orderflow.steps import FEWEST_ROWS, MOST_ROWS, PERIOD, following_steps, ladder_step
from orderflow.stored import closed_clusters
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
    clusters = closed_clusters(es, 300, Span())
    assert len(clusters) > 600
    whole = auto_steps(es, 300, clusters)
    assert len(np.unique(whole)) > 2
    blocks = block_of(clusters["opened_at"], 300)
    for _ in range(20):
        first, end = np.sort(rng.choice(len(clusters), 2, replace=False)).tolist()
        steps = auto_steps(es, 300, clusters.part(first, end))
        assert np.array_equal(steps[:-1], whole[first:end])
        assert blocks[end] != blocks[end - 1] or steps[-1] == whole[end]
        assert step_after(es, 300, first, int(clusters["opened_at"][first])) == whole[first]
    assert auto_steps(es, 300, clusters.part(0, 0)).tolist() == [AUTO]


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


@pytest.mark.django_db
def test_the_step_of_the_open_candle_is_the_same_with_and_without_a_cache(client: Client) -> None:
    es = make_traded()
    rng = np.random.default_rng(4)
    trades = random_trades(rng, 3_000, pause_s=60)
    trades["ticks"] = 10**6 + np.cumsum(rng.integers(-9, 10, 3_000) * (1 + np.arange(3_000) // 500))
    blocks = block_of(trades["at"], 60)
    turn = int(np.flatnonzero(blocks > blocks[700])[0])
    steps = set()
    for first, end in pairwise([0, 700, turn, turn + 1, turn + 40, 3_000]):
        store(es, trades[first:end], batches=1)
        for _ in ("computed", "cached"):
            rows = client.get("/api/v1/instruments/ES/footprint/").json()["rows"]
            opened, step = rows[-1][0] * 1000, rows[-1][COLUMNS.index("step")]
            assert step == step_after(es, 60, end, opened)
            steps.add(step)
    assert len(steps) > 1
