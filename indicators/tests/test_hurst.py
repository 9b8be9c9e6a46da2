from decimal import Decimal

import nolds
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.estimate import RefusedError
from indicators.expected_range import anis_lloyd, of_coins, peters
from indicators.hurst import hurst_exponent, hurst_of_increments, hurst_windows, rolling_hurst
from indicators.rescaled_range import LONGEST, mean_and_drift, mean_rs
from indicators.series import finite_series
from indicators.tests import naive
from indicators.tests.noise import fractional_gaussian_noise, law_path, recorded_walk


def walk(n, seed=1):
    return np.random.default_rng(seed).normal(size=n).cumsum()


@pytest.mark.parametrize("w", [2, 3, 10, 63, 199, 200, 201, 1_000, 2_222])
def test_mean_rs_equals_the_naive_implementation(w):
    increments = np.random.default_rng(w).standard_t(3, size=5_000)
    path = np.concatenate([[0.0], np.cumsum(increments)])
    assert mean_rs(path, w) == pytest.approx(naive.mean_rs(increments, w), rel=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_exponent_equals_the_naive_implementation(offset):
    closes = walk(3_000) + offset
    estimate = hurst_exponent(closes)
    twin = naive.hurst(np.diff(closes), estimate.windows.tolist())
    assert estimate.value == pytest.approx(twin, abs=1e-12)


@pytest.mark.parametrize("offset", [1e9, -1e12])
def test_offset_of_the_closes_loses_no_precision(offset):
    closes = np.random.default_rng(4).choice([-1.0, 1.0], size=5_000).cumsum()
    there, here = hurst_exponent(closes + offset), hurst_exponent(closes)
    assert there.value == pytest.approx(here.value, abs=1e-12)


@pytest.mark.parametrize("unit", [2.0**1000, 2.0**-800])
def test_result_does_not_depend_on_the_unit_of_closes(unit):
    closes = walk(3_000)
    assert hurst_exponent(closes * unit).value == pytest.approx(
        hurst_exponent(closes).value, abs=1e-12
    )


@pytest.mark.parametrize("n", [600, 5_000, 60_000])
def test_hurst_equals_nolds_on_the_same_windows(n):
    closes = walk(n, seed=n)
    estimate = hurst_exponent(closes)
    theirs = nolds.hurst_rs(
        np.diff(closes), nvals=estimate.windows, corrected=False, unbiased=False, fit="poly"
    )
    assert estimate.value == pytest.approx(theirs, abs=1e-9)
    corrected = hurst_exponent(closes, corrected=True)
    theirs = nolds.hurst_rs(
        np.diff(closes), nvals=estimate.windows, corrected=True, unbiased=False, fit="poly"
    )
    assert corrected.value == pytest.approx(theirs, abs=5e-4)  # they approximate gamma above 340


def test_published_value_of_brown72_is_reproduced():
    """Peters' series has 0.72: nolds carries it as increments, with the windows 2^3 ... 2^10."""
    windows = 2 ** np.arange(3, 11)
    assert hurst_of_increments(nolds.brown72, windows).value == pytest.approx(0.72, abs=0.01)
    closes = np.concatenate([[0.0], np.cumsum(nolds.brown72)])
    estimate = hurst_exponent(closes, min_window=8, max_window=1024, num_windows=8)
    assert estimate.windows.tolist() == windows.tolist()
    assert estimate.value == pytest.approx(0.72, abs=0.01)


def test_expected_rs_equals_the_mean_of_noise():
    rng = np.random.default_rng(76)
    for w in (10, 50, 300):
        path = np.concatenate([[0.0], rng.normal(size=w * 20_000).cumsum()])
        assert mean_rs(path, w) == pytest.approx(anis_lloyd(w), rel=0.01)
    assert anis_lloyd(1_001) == pytest.approx(anis_lloyd(1_000) * 1.0005, rel=1e-4)
    assert peters(10) == 0.95 * anis_lloyd(10)


def test_expected_rs_of_coins_equals_the_mean_of_coins():
    rng = np.random.default_rng(77)
    for w in (3, 10, 51, 200):
        path = np.concatenate([[0.0], rng.choice([-1.0, 1.0], size=w * 20_000).cumsum()])
        assert mean_rs(path, w) == pytest.approx(of_coins(w), rel=0.008)
    assert of_coins(10) == pytest.approx(1.0364 * anis_lloyd(10), rel=1e-4)


@pytest.mark.parametrize("tick", [0.1, 0.25])
def test_null_band_of_coins_is_centred_on_their_values(tick):
    rng = np.random.default_rng(78)
    places = []
    for _ in range(1_000):
        estimate = hurst_exponent(1_000 + tick * rng.choice([-1, 1], size=5_001).cumsum())
        low, high = estimate.null_band
        places.append((estimate.value - low) / (high - low))
    assert np.mean(places) == pytest.approx(0.5, abs=0.03)


def test_integers_far_from_0_lose_no_precision():
    closes = np.random.default_rng(5).choice([-1, 1], size=2_000).cumsum()
    assert hurst_exponent(closes + 2**62).value == pytest.approx(
        hurst_exponent(closes).value, abs=1e-12
    )


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(-10, 10),
    offset=st.floats(-1e3, 1e3),
)
def test_result_is_invariant_under_scale_and_shift_of_increments(seed, scale, shift, offset):
    closes = walk(700, seed)
    moved = offset + scale * (closes + shift * np.arange(700))
    expected = hurst_exponent(closes).value
    assert hurst_exponent(moved).value == pytest.approx(expected, abs=1e-7)


def test_result_does_not_depend_on_container_or_type():
    closes = np.random.default_rng(3).choice([-1, 1], 700).cumsum()
    expected = hurst_exponent(closes).value
    for series in (
        closes.astype(np.int32),
        closes.astype(np.float32),
        closes.astype(np.float64),
        closes.tolist(),
        [Decimal(int(x)) for x in closes],
    ):
        assert hurst_exponent(series).value == expected


def test_result_does_not_depend_on_threads():
    closes = walk(200_000)
    assert (
        hurst_exponent(closes, num_workers=3).value == hurst_exponent(closes, num_workers=1).value
    )


@pytest.mark.parametrize(
    ("closes", "reason"),
    [
        ([], "empty"),
        (walk(500), "499 increments are too few: at least 500 are needed"),
        ([1.0] * 600, "constant"),
        (0.1 * np.arange(600), "constant"),
        ([*walk(600), float("nan")], "nan at position 600"),
        ([float("inf"), *walk(600)], "inf at position 0"),
        (walk(1_000).reshape(10, 100), "1 dimension, not 2"),
        (["1"] * 600, "real numbers"),
    ],
    ids=range(8),
)
def test_invalid_series_gets_the_reason(closes, reason):
    estimate = hurst_exponent(closes)
    assert estimate.value is None
    assert reason in estimate.reason


def test_fewer_than_five_windows_are_rejected():
    estimate = hurst_exponent(walk(600), min_window=290, max_window=293, num_windows=5)
    assert "only 4 windows have an R/S" in estimate.reason


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"min_points": 0}, "min_points 0"),
        ({"min_window": 1}, "min_window 1: use 2 or more"),
        ({"max_window": 5}, "max_window 5: use at least min_window, 10"),
        ({"num_windows": 4}, "num_windows 4: use 5 or more"),
        ({"num_workers": 0}, "num_workers 0"),
        ({"min_window": 10.5}, "min_window 10.5: use a whole number"),
        ({"min_window": None}, "min_window None: use a whole number"),
        ({"num_workers": 1.5}, "num_workers 1.5: use a whole number"),
        ({"num_windows": "20"}, "num_windows '20': use a whole number"),
    ],
)
def test_invalid_parameters_are_named(parameters, complaint):
    with pytest.raises(ValueError, match=complaint):
        hurst_exponent(walk(600), **parameters)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("n", [501, 2_001, 10_001])
@pytest.mark.parametrize("kind", ["normal", "coin"])
def test_null_band_contains_series_without_memory_95_times_in_100(n, kind, corrected):
    rng = np.random.default_rng(n)
    inside = 0
    for _ in range(1_000):
        steps = rng.normal(size=n) if kind == "normal" else recorded_walk(n, 0.0, rng)
        estimate = hurst_exponent(steps.cumsum(), corrected=corrected)
        low, high = estimate.null_band
        inside += low <= estimate.value <= high
    assert 930 <= inside <= 970


def share_of_intervals(estimates, value):
    return np.mean([low <= value <= high for low, high in (each.interval for each in estimates)])


@pytest.mark.parametrize("n", [2_000, 8_000])
def test_interval_contains_the_long_run_value_under_regimes(n):
    rng = np.random.default_rng(n)
    ticks = law_path(400 * n, rng)[0].astype(float)
    long_run = hurst_exponent(ticks, max_window=(n - 1) // 2).value
    estimates = [hurst_exponent(window) for window in ticks.reshape(400, n)]
    assert 0.92 <= share_of_intervals(estimates, long_run) <= 0.985


def test_interval_contains_the_value_of_a_ten_times_longer_window_under_regimes():
    ticks = law_path(40 * 20_000, np.random.default_rng(3))[0].reshape(40, 20_000).astype(float)
    shares = [
        share_of_intervals(map(hurst_exponent, np.split(long, 10)), hurst_exponent(long).value)
        for long in ticks
    ]
    assert 0.91 <= np.mean(shares) <= 0.985


@pytest.mark.parametrize("exponent", [0.3, 0.5, 0.7, 0.9])
def test_interval_contains_the_mean_estimate_of_fractional_noise(exponent):
    rng = np.random.default_rng(18)
    paths = fractional_gaussian_noise(exponent, 2_000, 600, rng).cumsum(axis=1)
    estimates = [hurst_exponent(path) for path in paths]
    mean = np.mean([estimate.value for estimate in estimates])
    assert 0.93 <= share_of_intervals(estimates, mean) <= 0.985


def test_windows_are_no_longer_than_the_kernel_can_count():
    longest = hurst_windows(2**40, 500, 10, None, 20)
    asked = hurst_windows(2**40, 500, 10, 2**39, 20)
    assert longest == asked
    assert longest[-1] == LONGEST == 2**31 - 1


def test_drift_is_the_variance_that_regimes_add_to_mean_rs():
    rng = np.random.default_rng(5)
    steady = [drift(recorded_walk(2_000, 0.0, rng).cumsum()) for _ in range(50)]
    phi = np.repeat(np.tile([-0.8, 0.8], 5), 200)
    changing = np.cumprod(np.where(rng.random(2_000) < (1 + phi) / 2, 1, -1)).cumsum()
    halves = np.concatenate([recorded_walk(1_000, phi, rng) for phi in (-0.8, 0.8)]).cumsum()
    assert np.mean(steady) < 1e-3
    assert drift(halves) > 0.01
    assert drift(changing) < 2e-3  # each part holds two regimes


def drift(path):
    return mean_and_drift(finite_series(path), 10)[1]


def test_drift_needs_two_chunks_in_each_part():
    path = np.random.default_rng(6).normal(size=100).cumsum()
    mean, unknown = mean_and_drift(finite_series(path), 11)
    assert (mean > 0, unknown) == (True, 0.0)


BIAS = {0.3: 0.075, 0.5: 0.045, 0.7: 0.005, 0.9: -0.065}
"""Of classical R/S on 4,096 increments, as docs/indicators.md states it."""


@pytest.mark.parametrize("exponent", BIAS)
def test_fractional_gaussian_noise_is_estimated_with_the_stated_bias(exponent):
    rng = np.random.default_rng(17)
    paths = fractional_gaussian_noise(exponent, 4_096, 200, rng).cumsum(axis=1)
    mean = np.mean([hurst_exponent(path).value for path in paths])
    assert mean - exponent == pytest.approx(BIAS[exponent], abs=0.012)


@pytest.mark.parametrize(("window", "step", "corrected"), [(600, 60, False), (601, 7, True)])
def test_rolling_equals_the_direct_computation(window, step, corrected):
    closes = walk(2_500)
    closes[900:1_700] = closes[900]  # windows in here vary too little to be measured
    rolled = rolling_hurst(closes, window, step, corrected=corrected)
    assert rolled.ends.tolist() == list(range(window, 2_501, step))
    for end, value, valid in zip(rolled.ends, rolled.values, rolled.valid, strict=True):
        direct = hurst_exponent(closes[end - window : end], corrected=corrected)
        assert valid == (direct.value is not None)
        assert value == pytest.approx(direct.value or 0.0, abs=1e-12)
    assert not rolled.valid.all()


def test_rolling_rejects_series_shorter_than_one_window():
    with pytest.raises(RefusedError, match="1000 points are fewer than one window of 2000"):
        rolling_hurst(walk(1_000), 2_000)
    with pytest.raises(RefusedError, match="99 increments are too few"):
        rolling_hurst(walk(1_000), 100)
