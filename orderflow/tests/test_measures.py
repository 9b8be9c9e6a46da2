"""The measures of order flow beside slow versions, known answers, and what they refuse."""

import math

import numpy as np
import pytest

from exchange.depth.depthbook import DepthBook
from exchange.flow.tests.markets import law_of, open_market
from exchange.matching import BUY, SELL
from indicators.estimate import Estimate
from orderflow.measures.bests import bests_of, slot_rows
from orderflow.measures.delta import cumulative_delta
from orderflow.measures.imbalance import contributions, mid_changes, order_flow_imbalance
from orderflow.measures.impact import amihud_illiquidity, kyle_lambda
from orderflow.measures.intervals import (
    cosine_interval,
    is_steady,
    long_run_sum,
    mean_interval,
    ratio_interval,
    window_interval,
)
from orderflow.measures.samples import orders_of, slots_of, trades_of
from orderflow.measures.signs import runs_of, sign_persistence
from orderflow.measures.spreads import (
    adverse_selection,
    effective_half_spread,
    realised_half_spread,
    roll_spread,
)
from orderflow.measures.vpin import vpin
from orderflow.tests import naivemeasures as naive

N = 400


@pytest.fixture(scope="module")
def made():
    """An hour of a market whose orders are partly informed."""
    return open_market(law_of(3, 0.3), informed=0.3).run_slots(600)


@pytest.fixture(scope="module")
def trades(made):
    return trades_of(made.trades)


def drawn(seed=1, n=N):
    """Return random sides, lots and prices of trades."""
    rng = np.random.default_rng(seed)
    sides = rng.choice([-1, 1], n)
    return sides, rng.integers(1, 20, n), 1_000 + rng.normal(size=n).cumsum() + sides


def test_measures_equal_their_slow_versions():
    sides, lots, prices = drawn()
    mids, later = prices - 0.5 * sides * lots, prices + 0.25
    flow, changes = sides * lots, np.diff(prices, prepend=1_000.0)
    lots[-1] += -lots.sum() % 50
    pairs = [
        (cumulative_delta(sides, lots), naive.delta(sides, lots)),
        (vpin(sides, lots, 50), naive.vpin(sides, lots, 50)),
        (kyle_lambda(flow, changes), naive.slope(flow, changes)),
        (amihud_illiquidity(changes, lots - 1), naive.amihud(changes, lots - 1)),
        (roll_spread(sides + 0.01 * mids), naive.roll(sides + 0.01 * mids)),
        (effective_half_spread(sides, prices, mids), naive.half_spread(sides, prices, mids)),
        (realised_half_spread(sides, prices, later), naive.half_spread(sides, prices, later)),
        (adverse_selection(sides, mids, later), naive.half_spread(sides, later, mids)),
    ]
    for found, expected in pairs:
        assert found.value == pytest.approx(expected)
        assert found.reason is None
        assert found.interval[0] < found.value < found.interval[1]


def test_effective_is_realised_and_adverse_selection():
    sides, _, prices = drawn()
    mids, later = prices - 0.5 * sides, prices + 0.25
    effective = effective_half_spread(sides, prices, mids).value
    realised = realised_half_spread(sides, prices, later).value
    assert effective == pytest.approx(realised + adverse_selection(sides, mids, later).value)


def test_roll_finds_the_spread_of_prices_that_bounce():
    rng = np.random.default_rng(1)
    prices = rng.normal(size=20_000).cumsum() + 3 * rng.choice([-1, 1], 20_000)
    found = roll_spread(prices)
    assert found.value == pytest.approx(6, rel=0.03)
    assert found.interval[0] < 6 < found.interval[1]


def test_upper_end_of_an_uncertain_spread_is_bounded_by_the_variance():
    walks = np.random.default_rng(7).normal(size=(60, 200)).cumsum(axis=1)
    found = [(roll_spread(walk), np.diff(walk).std()) for walk in walks]
    measured = [(each, deviation) for each, deviation in found if each.value is not None]
    assert min(each.value for each, _ in measured) < 0.2  # almost no covariance
    for each, deviation in measured:
        assert each.interval[0] < each.value < each.interval[1] < 2.1 * deviation


def test_roll_has_no_value_for_trending_prices():
    found = roll_spread(np.arange(100))
    assert found.value is None
    assert found.reason == "successive changes have covariance 1, not below 0"
    assert found.interval == (0, 0)


def test_roll_without_a_value_has_an_interval_from_0():
    """Of prices that bounce little, about half have no value; the spread is in most intervals."""
    rng = np.random.default_rng(11)
    walks = rng.normal(size=(300, 400)).cumsum(axis=1) + 0.15 * rng.choice([-1, 1], (300, 400))
    found = [roll_spread(walk) for walk in walks]
    without = [each for each in found if each.value is None]
    assert 60 < len(without) < 240
    assert all(each.interval[0] == 0 for each in without)
    assert np.mean([each.interval[0] <= 0.3 <= each.interval[1] for each in found]) > 0.9


def test_vpin_of_one_sided_and_of_balanced_flow():
    assert vpin([1] * 100, [3] * 100).value == 1
    assert vpin([1, -1] * 100, [1] * 200, buckets=10).value == pytest.approx(0)


def test_kyle_of_prices_that_follow_the_flow():
    flow = drawn()[0] * drawn()[1]
    found = kyle_lambda(flow, 0.25 * flow)
    assert found.value == pytest.approx(0.25)
    assert found.r_squared == pytest.approx(1)
    assert found.interval == pytest.approx((0.25, 0.25))


def test_runs_equal_the_slow_version():
    sides = drawn()[0]
    lengths, rest = runs_of(sides)
    assert (lengths.tolist(), rest) == naive.runs(sides.tolist())
    assert runs_of(np.ones(5, np.int64))[1] == 5


def test_signs_without_memory_are_in_the_null_band_and_have_no_persistence():
    found = [sign_persistence(drawn(seed, 2_000)[0]) for seed in range(40)]
    within = [e.null_band[0] < e.autocorrelation < e.null_band[1] for e in found]
    assert np.mean(within) > 0.85
    assert np.mean([e.interval[0] < 0 < e.interval[1] for e in found]) > 0.8
    assert abs(np.mean([e.value for e in found])) < 0.03


def test_split_orders_have_the_persistence_of_their_lengths():
    rng = np.random.default_rng(3)
    lengths = (rng.random(200_000) ** (-1 / 2.5)).astype(int)
    sides = np.repeat(rng.choice([-1, 1], len(lengths)), lengths)
    found = sign_persistence(sides)
    exact = 1 - 1 / lengths.mean()
    assert found.interval[0] < exact < found.interval[1]
    assert found.value == pytest.approx(exact, abs=0.03)


def alternating(lengths):
    """Return signs whose runs have these lengths."""
    return np.repeat(np.resize([-1, 1], len(lengths)), lengths)


def test_runs_with_a_pareto_tail_have_its_exponent_and_its_mean():
    uniform = np.random.default_rng(3).random((40, 5_000))
    found = [sign_persistence(alternating(np.rint(u ** (-1 / 1.5)).astype(int))) for u in uniform]
    exact = 1 - 2 / 2.94811  # P(length >= l) = (l - 1/2)^-1.5 above 1
    assert np.mean([e.tail_exponent for e in found]) == pytest.approx(1.5, abs=0.1)
    assert np.mean([e.value for e in found]) == pytest.approx(exact, abs=0.03)
    covered = np.mean([e.interval[0] < exact < e.interval[1] for e in found])
    assert covered > 0.85  # of 95 % intervals, within 3 standard errors


def test_runs_with_a_short_tail_have_their_plain_mean():
    lengths = np.random.default_rng(5).geometric(0.2, 10_000)
    found = sign_persistence(alternating(lengths))
    assert found.value == pytest.approx(1 - 2 / lengths[1:-1].mean())
    assert found.interval[0] < 1 - 2 * 0.2 < found.interval[1]


def test_alternating_signs_have_no_tail():
    found = sign_persistence(alternating([1] * 100))
    assert (found.value, found.interval, found.tail_exponent) == (-1, (-1, -1), None)


def test_interval_covers_the_mean_of_correlated_values():
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(400, 500))
    for t in range(1, 500):
        noise[:, t] += 0.7 * noise[:, t - 1]
    held = [low < 0 < high for low, high in map(mean_interval, noise)]
    assert 0.91 < np.mean(held) < 0.99


@pytest.mark.parametrize("n", [50, 500])
def test_cosine_interval_covers_the_mean_of_correlated_values(n):
    rng = np.random.default_rng(9)
    noise = rng.normal(size=(400, n))
    for t in range(1, n):
        noise[:, t] += 0.3 * noise[:, t - 1]
    held = [low < 0 < high for low, high in map(cosine_interval, noise)]
    assert 0.91 < np.mean(held) < 0.985
    assert cosine_interval(noise[0][:19]) is None


def test_a_change_of_the_mean_is_noticed_and_chance_is_not():
    rng = np.random.default_rng(10)
    noise = rng.normal(size=(400, 1_600))
    assert np.mean([is_steady(row) for row in noise]) > 0.97
    changed = noise + np.repeat([0.0, 0.4], 800)
    assert np.mean([is_steady(row) for row in changed]) < 0.03
    assert is_steady(noise[0][:31])


def test_interval_of_a_window_leaves_out_slow_changes():
    rng = np.random.default_rng(6)
    levels = np.repeat(0.3 * rng.normal(size=(400, 5)), 100, axis=1)
    values = levels + rng.normal(size=(400, 500))
    means = levels.mean(axis=1)
    own = [window_interval(row, np.ones(500), 20) for row in values]
    held = [low < mean < high for (low, high), mean in zip(own, means, strict=True)]
    assert 0.92 < np.mean(held) < 0.995
    of_an_endless_series = [mean_interval(row) for row in values]
    assert np.mean([high - low for low, high in own]) < 0.8 * np.mean(
        [high - low for low, high in of_an_endless_series]
    )
    assert window_interval(values[0][:19], np.ones(19), 10) is None


def test_long_run_variance_equals_the_slow_version():
    residuals = np.random.default_rng(5).normal(size=60)
    assert long_run_sum(residuals) == pytest.approx(naive.long_run_sum(residuals, 30))
    assert ratio_interval(residuals, np.zeros(60)) is None
    assert mean_interval(residuals[:19]) is None


def test_orders_equal_the_slow_version(trades):
    orders = orders_of(trades)
    expected = naive.orders(trades.tolist())
    rows = zip(orders.slot, orders.side, orders.ticks, orders.lots, strict=True)
    assert [tuple(int(value) for value in row) for row in rows] == expected


def test_slots_equal_the_slow_version(made, trades):
    slots = slots_of(trades)
    quotes = made.quotes["ticks"]
    assert np.array_equal(slots.before, quotes[:-1])
    assert np.array_equal(slots.after, quotes[1:])
    orders = naive.orders(trades.tolist())
    for i, slot in enumerate(made.quotes["seq"][1:].tolist()):
        own = [order for order in orders if order[0] == slot]
        first = own[0][1:3] if own else (0, 0)
        assert (slots.side[i], slots.ticks[i]) == first
        assert slots.net_orders[i] == sum(side for _, side, _, _ in own)
        assert slots.net_lots[i] == sum(side * lots for _, side, _, lots in own)
    volumes = np.bincount(trades["slot"], trades["lots"])[2:]
    assert np.array_equal(slots.volume, volumes)


def test_a_slot_in_progress_is_left_out(trades):
    whole = slots_of(trades)
    began = int(np.searchsorted(trades["slot"], 600))
    assert len(slots_of(trades[: began + 1]).before) == len(whole.before) - 1
    assert len(slots_of(trades[:began]).before) == len(whole.before) - 1
    assert all(len(slots_of(trades[:n]).before) == 0 for n in range(3))


def test_imbalances_equal_the_slow_version(made):
    updates, at = made.updates, made.quotes["at"]
    book, bests = DepthBook(), []
    for i in range(len(updates)):
        book.apply(updates[i : i + 1])
        bid, ask = book.levels(BUY, 1), book.levels(SELL, 1)
        row = [int(column[0]) if len(column) else 0 for column in (*bid, *ask)]
        bests.append(row)
    expected = np.concatenate(([0], np.cumsum(naive.imbalance(bests))))
    ends = updates["at"].searchsorted(at, "right") - 1
    mids = np.array([(bests[end][0] + bests[end][2]) / 2 for end in ends])
    begun = DepthBook()
    begun.apply(updates[: ends[0] + 1])
    rows = slot_rows(begun, updates[ends[0] + 1 :], at)
    assert np.array_equal(rows["imbalance"], np.diff(expected[ends]))
    assert np.array_equal(rows["change"], np.diff(mids))
    found = order_flow_imbalance(rows["imbalance"], rows["change"])
    assert found.value == pytest.approx(rows["imbalance"].mean())
    assert found.impact == pytest.approx(naive.slope(rows["imbalance"], rows["change"]))
    assert found.impact > 0
    assert found.total == rows["imbalance"].sum()


def test_contributions_of_single_changes():
    def of(*rows):
        return contributions(bests_of(np.array(rows, np.int64))).tolist()

    still = (10, 5, 12, 7)
    assert of(still, (10, 8, 12, 7)) == [3]  # a larger bid
    assert of(still, (11, 4, 12, 7)) == [4]  # a higher bid
    assert of(still, (9, 6, 12, 7)) == [-5]  # a lower bid
    assert of(still, (10, 5, 12, 9)) == [-2]  # a larger ask
    assert of(still, (10, 5, 11, 3)) == [-3]  # a lower ask
    assert of(still, (10, 5, 13, 3)) == [7]  # a higher ask
    assert mid_changes(bests_of(np.array([still, (11, 4, 12, 7)], np.int64))).tolist() == [0.5]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (cumulative_delta([], []), "0 trades are too few: use at least 2"),
        (cumulative_delta([1, 0], [1, 1]), "side 0 at position 1: use 1 or -1"),
        (cumulative_delta([1, -1], [1, 0]), "0 lots at position 1: use more than 0"),
        (vpin([1] * 9, [1] * 9, 10), "9 trades are too few: use at least 10"),
        (kyle_lambda([0.0] * 30, [1.0] * 30), "the net flow is 0 in every interval"),
        (kyle_lambda([1.0] * 19, [1.0] * 19), "19 intervals are too few: use at least 20"),
        (kyle_lambda([math.nan] * 30, [1.0] * 30), "the series has nan at position 0"),
        (amihud_illiquidity([1.0] * 30, [0.0] * 30), "0 intervals with trades are too few"),
        (amihud_illiquidity([1.0] * 30, [-1.0] * 30), "volume -1: use 0 or more"),
        (roll_spread([1, 2]), "1 price changes are too few: use at least 20"),
        (effective_half_spread([], [], []), "0 orders are too few: use at least 20"),
        (sign_persistence([1] * 500), "0 runs of equal signs are too few: use at least 25"),
        (order_flow_imbalance([], []), "0 intervals are too few: use at least 20"),
    ],
)
def test_what_cannot_be_measured_has_a_reason_and_no_value(found: Estimate, reason: str):
    assert found.value is None
    assert found.interval is None
    assert found.reason is not None
    assert reason in found.reason


@pytest.mark.parametrize(
    ("measure", "complaint"),
    [
        (lambda: cumulative_delta([1, -1], [1]), "lots has 1 values: use 2"),
        (lambda: vpin([1], [1], buckets=1), "buckets 1: use 2 or more"),
        (lambda: kyle_lambda([1.0] * 30, [1.0] * 29), "changes has 29 values: use 30"),
        (lambda: adverse_selection([1], [1.0], []), "prices has 0 values: use 1"),
    ],
)
def test_arguments_that_do_not_agree_are_errors(measure, complaint):
    with pytest.raises(ValueError, match=complaint):
        measure()
