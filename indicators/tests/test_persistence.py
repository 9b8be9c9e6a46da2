import numpy as np
import pytest

from indicators.estimate import RefusedError
from indicators.persistence import persistence, rolling_persistence
from indicators.tests.noise import law_path, recorded_walk
from indicators.variance_ratio import rolling_variance_ratio, variance_ratio


@pytest.mark.parametrize("phi", np.linspace(-0.8, 0.8, 9).round(1))
def test_interval_contains_phi_95_times_in_100(phi):
    rng = np.random.default_rng(int(100 * (phi + 1)))
    estimates = [persistence(recorded_walk(501, phi, rng).cumsum()) for _ in range(1_000)]
    inside = sum(e.interval[0] <= phi <= e.interval[1] for e in estimates)
    assert 930 <= inside <= 970
    errors = np.array([e.value for e in estimates]) - phi
    assert errors.std() == pytest.approx(np.sqrt((1 - phi**2) / 499), rel=0.1)


@pytest.mark.parametrize("n", [500, 2_000])
def test_interval_contains_the_mean_phi_of_a_window_with_regimes(n):
    rng = np.random.default_rng(n)
    ticks, phi = (each.reshape(3_000, n) for each in law_path(3_000 * n, rng))
    truth = phi.mean(axis=1)
    estimates = [persistence(window) for window in ticks]
    inside = [e.interval[0] <= t <= e.interval[1] for e, t in zip(estimates, truth, strict=True)]
    assert 0.94 <= np.mean(inside) <= 0.962
    errors = np.array([e.value for e in estimates]) - truth
    expected = np.sqrt(np.mean([e.standard_error**2 for e in estimates]))
    assert errors.std() == pytest.approx(expected, rel=0.04)


def test_null_band_contains_a_fair_coin_95_times_in_100():
    rng = np.random.default_rng(1)
    estimates = [persistence(rng.choice([-1, 1], 600).cumsum()) for _ in range(1_000)]
    assert 930 <= sum(e.null_band[0] <= e.value <= e.null_band[1] for e in estimates) <= 970


def test_persistence_of_short_series_equals_the_value_by_hand():
    prices = np.concatenate([[0], np.cumsum([1, 1, -1, -1, -1, 1] * 10)])
    estimate = persistence(prices)
    assert estimate.pairs == 59
    assert estimate.value == pytest.approx((39 - 20) / 59)
    assert persistence(prices * 0.25).value == estimate.value


def test_unchanged_price_has_no_sign():
    steps = [1, 1, 0, 1, 1] * 20
    estimate = persistence(np.concatenate([[0], np.cumsum(steps)]))
    assert estimate.pairs == 20 + 20 + 19
    assert estimate.value == 1.0


def test_unsigned_and_huge_integers_can_fall():
    prices = np.array([5, 4, 3, 4] * 10, dtype=np.uint64)
    assert persistence(prices).value == persistence(prices.astype(np.int64)).value


@pytest.mark.parametrize(
    ("prices", "reason"),
    [([1.0] * 50, "0 pairs"), ([1, 2, 3], "1 pairs"), ([1], "0 pairs"), ([1, float("nan")], "nan")],
)
def test_too_few_signs_are_rejected(prices, reason):
    estimate = persistence(prices)
    assert estimate.value is None
    assert reason in estimate.reason


def test_rolling_persistence_equals_the_direct_computation():
    prices = np.random.default_rng(2).choice([-1, 0, 1], 3_000).cumsum()
    prices[1_000:1_200] = prices[1_000]
    rolled = rolling_persistence(prices, 150, 7)
    for end, value, valid in zip(rolled.ends, rolled.values, rolled.valid, strict=True):
        direct = persistence(prices[end - 150 : end])
        assert valid == (direct.value is not None)
        assert value == pytest.approx(direct.value or 0.0)
    assert not rolled.valid.all()


def lo_mackinlay(path, q):
    """The estimator as the paper writes it, term by term."""
    n = len(path) - 1
    mean = (path[-1] - path[0]) / n
    one = sum((path[k] - path[k - 1] - mean) ** 2 for k in range(1, n + 1)) / (n - 1)
    m = q * (n - q + 1) * (1 - q / n)
    many = sum((path[k] - path[k - q] - q * mean) ** 2 for k in range(q, n + 1)) / m
    squares = [(path[k] - path[k - 1] - mean) ** 2 for k in range(1, n + 1)]
    theta = sum(
        (2 * (q - j) / q) ** 2
        * sum(squares[k] * squares[k - j] for k in range(j, n))
        / sum(squares) ** 2
        for j in range(1, q)
    )
    return many / one, (many / one - 1) / theta**0.5


@pytest.mark.parametrize("q", [2, 5, 16])
def test_variance_ratio_equals_the_formula_of_the_paper(q):
    path = np.random.default_rng(q).standard_t(4, size=400).cumsum() + 1_000
    estimate = variance_ratio(path, q)
    value, z = lo_mackinlay(path.tolist(), q)
    assert estimate.value == pytest.approx(value, rel=1e-10)
    assert estimate.z == pytest.approx(z, rel=1e-9)


@pytest.mark.parametrize("q", [2, 8])
def test_null_band_of_the_variance_ratio_holds_under_changing_variance(q):
    rng = np.random.default_rng(q)
    volatility = np.repeat([1.0, 3.0], 500)
    inside = 0
    for _ in range(1_000):
        estimate = variance_ratio((rng.normal(size=1_000) * volatility).cumsum(), q)
        inside += estimate.null_band[0] <= estimate.value <= estimate.null_band[1]
    assert 930 <= inside <= 970


@pytest.mark.parametrize("phi", [-0.8, 0.8])
@pytest.mark.parametrize("q", [2, 5, 30])
def test_interval_contains_the_variance_ratio_of_a_series_with_memory(q, phi):
    rng = np.random.default_rng(q)
    lags = np.arange(1, q)
    truth = 1 + 2 * ((1 - lags / q) * phi**lags).sum()
    found = [variance_ratio(recorded_walk(2_000, phi, rng).cumsum(), q) for _ in range(500)]
    assert 0.92 <= np.mean([e.interval[0] <= truth <= e.interval[1] for e in found]) <= 0.975


def test_short_series_has_a_variance_ratio_without_an_interval():
    path = np.random.default_rng(3).normal(size=600).cumsum()
    assert variance_ratio(path, 23).interval is not None
    estimate = variance_ratio(path, 24)
    assert estimate.value is not None
    assert estimate.interval is None


def test_variance_ratio_of_the_law_tends_to_its_limit():
    path = recorded_walk(200_000, 0.6, np.random.default_rng(0)).cumsum()
    assert variance_ratio(path, 60).value == pytest.approx(1.6 / 0.4, rel=0.1)


@pytest.mark.parametrize(
    ("closes", "reason"),
    [
        ([1.0] * 20, "constant"),
        ([1, 2, 4], "2 increments are too few: q = 2 needs 8"),
        ([], "empty"),
    ],
)
def test_variance_ratio_of_an_invalid_series_gets_the_reason(closes, reason):
    assert reason in variance_ratio(closes).reason


@pytest.mark.parametrize("unit", [1e307, 1e-307])
def test_variance_ratio_does_not_depend_on_the_unit(unit):
    path = np.random.default_rng(5).normal(size=900).clip(-3, 3)
    assert variance_ratio(path * unit).value == pytest.approx(variance_ratio(path).value)
    expected = rolling_variance_ratio(path, 100).values
    assert rolling_variance_ratio(path * unit, 100).values == pytest.approx(expected)


def test_variance_ratio_of_blocks_equals_that_of_the_whole(monkeypatch):
    path = np.random.default_rng(8).normal(size=1_000).cumsum()
    whole = variance_ratio(path, 5)
    monkeypatch.setattr("indicators.variance_ratio.BLOCK", 37)
    blocks = variance_ratio(path, 5)
    assert (blocks.value, blocks.z) == pytest.approx((whole.value, whole.z), rel=1e-12)
    assert blocks.interval == pytest.approx(whole.interval, rel=1e-12)


def test_q_must_be_a_whole_number():
    with pytest.raises(ValueError, match=r"q 2\.5: use a whole number"):
        variance_ratio(range(100), 2.5)


def test_rolling_variance_ratio_equals_the_direct_computation():
    path = np.random.default_rng(5).normal(size=900).cumsum()
    path[200:400] = 7.0
    rolled = rolling_variance_ratio(path, 100, 3, q=4)
    for end, value, valid in zip(rolled.ends, rolled.values, rolled.valid, strict=True):
        direct = variance_ratio(path[end - 100 : end], 4)
        assert valid == (direct.value is not None)
        assert value == pytest.approx(direct.value or 0.0, abs=1e-12)
    with pytest.raises(RefusedError, match="50 points are fewer"):
        rolling_variance_ratio(path[:50], 100)
