import json
import math
import subprocess
import sys
from decimal import Decimal
from importlib import import_module

import numba
import numpy as np
import ordpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.entropy import VECTORS_PER_THREAD, permutation_entropy, rolling_entropy
from indicators.estimate import RefusedError
from indicators.tests import naive
from indicators.tests.noise import recorded_walk

BANDT_POMPE = [4, 7, 9, 10, 6, 11, 3]
few_values = st.lists(st.integers(-3, 3), min_size=8, max_size=80)


@pytest.fixture(scope="module")
def antropy():
    """Import antropy without compiling its kernels, which would take ten seconds of CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)
        return import_module("antropy")


def test_published_examples_are_reproduced():
    assert permutation_entropy(BANDT_POMPE, m=2).bits == pytest.approx(0.918, abs=5e-4)
    assert permutation_entropy(BANDT_POMPE, m=3).bits == pytest.approx(1.522, abs=5e-4)
    assert permutation_entropy(BANDT_POMPE, m=2).counts.tolist() == [4, 2]


@settings(deadline=None)
@given(series=few_values, m=st.integers(2, 7), tau=st.integers(1, 3))
def test_counts_and_ties_equal_the_naive_implementation(series, m, tau):
    estimate = permutation_entropy(series, m=m, tau=tau)
    if len(series) <= (m - 1) * tau:
        assert "too few" in estimate.reason
        return
    counts, tied = naive.pattern_counts(series, m, tau)
    assert estimate.counts.tolist() == counts
    assert estimate.tie_rate == tied / sum(counts)
    assert estimate.value == pytest.approx(naive.normalised_entropy(counts), abs=1e-12)
    assert 0 <= estimate.value <= 1


@pytest.mark.parametrize("m", range(2, 8))
@pytest.mark.parametrize("tau", [1, 2, 5])
def test_entropy_equals_antropy_and_ordpy(antropy, m, tau):
    series = np.random.default_rng(m * tau).normal(size=5_000).cumsum()
    value = permutation_entropy(series, m=m, tau=tau).value
    theirs = antropy.perm_entropy(series, order=m, delay=tau, normalize=True)
    assert value == pytest.approx(theirs, abs=1e-12)
    assert value == pytest.approx(ordpy.permutation_entropy(series, m, taux=tau), abs=1e-12)


@pytest.mark.parametrize("m", [3, 4, 6])
def test_result_does_not_depend_on_threads_or_chunks(m):
    series = np.random.default_rng(5).integers(0, 50, max(4 * VECTORS_PER_THREAD[m], 250_000) + m)
    whole = permutation_entropy(series, m=m, workers=1)
    for estimate in (
        permutation_entropy(series, m=m, workers=4),
        permutation_entropy(series, m=m, workers=3, chunk_starts=7_777),
        permutation_entropy(series, m=m, chunk_starts=1),
        permutation_entropy(series, m=m, workers=64, chunk_starts=10**30),
    ):
        assert estimate.counts.tolist() == whole.counts.tolist()
        assert (estimate.value, estimate.tie_rate) == (whole.value, whole.tie_rate)
        assert estimate.interval == whole.interval


@settings(deadline=None)
@given(series=st.lists(st.integers(-1000, 1000), min_size=10, max_size=60))
def test_result_is_invariant_under_increasing_transforms(series):
    plain = permutation_entropy(series)
    moved = permutation_entropy([3 * x**3 + x for x in series])
    assert plain.counts.tolist() == moved.counts.tolist()


@pytest.mark.parametrize("m", range(2, 8))
def test_monotone_series_have_zero_entropy(m):
    assert permutation_entropy(range(100), m=m).value == 0.0
    assert permutation_entropy(range(100, 0, -1), m=m).value == 0.0


def test_constant_series_is_one_pattern_with_tie_rate_1():
    estimate = permutation_entropy([5.0] * 100)
    assert (estimate.value, estimate.tie_rate) == (0.0, 1.0)


def test_result_does_not_depend_on_container_or_type():
    numbers = np.random.default_rng(3).integers(0, 1000, 500)
    expected = permutation_entropy(numbers)
    for series in (
        numbers.astype(np.int32),
        numbers.astype(np.float32),
        numbers.astype(np.float64),
        numbers.tolist(),
        [Decimal(int(x)) for x in numbers],
    ):
        assert permutation_entropy(series).value == expected.value


def test_integers_beyond_2_53_keep_their_order():
    large = [2**60 + x for x in (0, 2, 1, 3, 2, 4)]
    assert permutation_entropy(large).counts.tolist() == [0, 2, 2, 0, 0, 0]
    unsigned = np.array([2**63 + x for x in (0, 2, 1, 3, 2, 4)], dtype=np.uint64)
    assert permutation_entropy(unsigned).counts.tolist() == [0, 2, 2, 0, 0, 0]


@pytest.mark.parametrize(
    ("closes", "reason"),
    [
        ([], "empty"),
        ([1.0, 2.0], "2 closes are too few"),
        ([1.0, float("nan"), 2.0], "nan at position 1"),
        ([1.0, float("inf"), 2.0], "inf at position 1"),
        ([[1.0, 2.0], [3.0, 4.0]], "1 dimension"),
        (["a", "b", "c"], "real numbers"),
        (None, "1 dimension"),
        ([[1], [2, 3]], "real numbers"),
        (np.array([1, 2, 3], dtype=np.longdouble) * np.longdouble("1e400"), "inf at position 0"),
        (np.ma.masked_array([1, 2, 3], mask=[False, True, False]), "nan at position 1"),
        ((close for close in [1, 2, 3]), "real numbers"),
        ([Decimal("sNaN")] * 5, "real numbers"),
        ([10**400] * 5, "real numbers"),
    ],
    ids=range(13),
)
def test_invalid_series_gets_the_reason(closes, reason):
    estimate = permutation_entropy(closes)
    assert estimate.value is None
    assert reason in estimate.reason
    assert estimate.interval is estimate.null_band is estimate.counts is estimate.tie_rate is None


@pytest.mark.parametrize("m", range(2, 8))
@pytest.mark.parametrize("tau", [1, 3])
def test_long_series_with_ties_equal_the_naive_implementation(m, tau):
    series = np.random.default_rng(m).integers(0, 9, 5_000).cumsum() % 31
    counts, tied = naive.pattern_counts(series, m, tau)
    estimate = permutation_entropy(series, m=m, tau=tau)
    assert estimate.counts.tolist() == counts
    assert estimate.tie_rate == tied / sum(counts)


@settings(deadline=None)
@given(series=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3))
def test_any_floats_give_an_entropy_between_0_and_1(series):
    estimate = permutation_entropy(series)
    assert 0 <= estimate.value <= 1
    assert estimate.counts.tolist() == naive.pattern_counts(series, 3, 1)[0]


IMPORT = """if True:
    import json, sys
    before = set(sys.modules)
    from indicators.entropy import permutation_entropy
    loaded = {name: sys.modules[name] for name in set(sys.modules) - before}
    files = {name: getattr(module, "__file__", None) or "" for name, module in loaded.items()}
    permutation_entropy([1.0, 3.0, 2.0] * 1_000)
    from indicators.ordinal_patterns import count_parts
    installed = {name.partition(".")[0] for name, file in files.items() if "site-packages" in file}
    ours = [name for name in files if name.startswith(("indicators.", "quotes", "pytrade"))]
    print(json.dumps([sorted(installed), ours, sum(count_parts.stats.cache_misses.values())]))
"""
OWN = ("entropy", "entropy_nulls", "estimate", "ordinal_patterns", "rolling", "series", "threads")


@pytest.mark.processes
def test_import_loads_only_numpy_and_the_first_call_compiles_nothing():
    command = [sys.executable, "-c", IMPORT]
    subprocess.run(command, check=True, capture_output=True)  # fills the cache of the kernels
    answer = subprocess.run(command, check=True, capture_output=True).stdout
    installed, ours, compiled = json.loads(answer)
    assert {name for name in installed if not name.startswith("_")} <= {"numpy"}
    assert set(ours) == {f"indicators.{name}" for name in OWN}
    assert compiled == 0


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"m": 1}, "m 1: use 2 to 7"),
        ({"m": 8}, "m 8: use 2 to 7"),
        ({"tau": 0}, "tau 0: use 1 or more"),
        ({"workers": 2.5}, "workers 2.5: use a whole number"),
        ({"workers": "4"}, "workers '4': use a whole number"),
        ({"workers": 0}, "workers 0: use 1 or more"),
        ({"chunk_starts": 0}, "chunk_starts 0: use 1 or more"),
        ({"m": 3.0}, "m 3.0: use a whole number"),
        ({"tau": 1.5}, "tau 1.5: use a whole number"),
        ({"chunk_starts": "9"}, "chunk_starts '9': use a whole number"),
    ],
)
def test_invalid_parameters_are_named(parameters, complaint):
    with pytest.raises(ValueError, match=complaint):
        permutation_entropy(range(100), **parameters)


@pytest.mark.parametrize(
    ("n", "m"),
    [
        (200, 2), (500, 2), (60, 3), (500, 3), (2_000, 3), (2_000, 5), (300, 5), (400, 6),
        (1_000, 6), (2_000, 7), (9_000, 7),
    ],
)  # fmt: skip
def test_null_band_contains_white_noise_95_times_in_100(n, m):
    rng = np.random.default_rng(n + m)
    draws = 1_000 if m < 7 else 300
    inside = 0
    for _ in range(draws):
        estimate = permutation_entropy(rng.normal(size=n), m=m)
        low, high = estimate.null_band
        inside += low <= estimate.value <= high
    assert inside / draws == pytest.approx(0.95, abs=0.02 * math.sqrt(1_000 / draws))


@pytest.mark.parametrize(
    ("n", "m", "tau"), [(500, 2, 1), (1_000, 2, 5), (150, 3, 1), (2_000, 3, 4), (5_000, 5, 3)]
)
def test_walk_band_contains_random_walks_95_times_in_100(n, m, tau):
    rng = np.random.default_rng(n + m)
    inside = 0
    for _ in range(1_000):
        estimate = permutation_entropy(rng.normal(size=n).cumsum(), m=m, tau=tau)
        low, high = estimate.walk_band
        inside += low <= estimate.value <= high
    assert 930 <= inside <= 970


def test_no_walk_band_for_few_vectors():
    assert permutation_entropy(range(90)).walk_band is None
    assert permutation_entropy(range(300), tau=10).walk_band is None


def test_null_band_of_few_vectors_stays_within_possible_values():
    assert permutation_entropy([1, 2, 3]).null_band == (0.0, 1.0)
    low, high = permutation_entropy(range(12), m=5).null_band
    assert low == pytest.approx(math.log(8) / math.log(120) - 2 * math.log(2) / 8 / math.log(120))
    assert high == 1.0


@pytest.mark.parametrize(
    ("window", "step", "m", "tau"), [(500, 1, 3, 1), (300, 7, 4, 2), (90, 3, 5, 3)]
)
def test_rolling_equals_the_direct_computation(window, step, m, tau):
    series = np.random.default_rng(9).integers(0, 40, 5_000).cumsum() % 997
    rolled = rolling_entropy(series, window, step, m, tau)
    assert rolled.ends.tolist() == list(range(window, 5_001, step))
    assert rolled.valid.all()
    direct = [permutation_entropy(series[end - window : end], m, tau).value for end in rolled.ends]
    np.testing.assert_allclose(rolled.values, direct, atol=1e-12, rtol=0)


def test_rolling_does_not_drift():
    series = np.random.default_rng(8).normal(size=300_000)
    rolled = rolling_entropy(series, 2_000)
    assert rolled.values[-1] == pytest.approx(permutation_entropy(series[-2_000:]).value, abs=1e-13)


def test_rolling_rejects_series_shorter_than_one_window():
    with pytest.raises(RefusedError, match="10 points are fewer than one window of 11"):
        rolling_entropy(range(10), 11)
    with pytest.raises(RefusedError, match="2 closes are too few"):
        rolling_entropy(range(10), 2)


@pytest.mark.parametrize(("n", "m"), [(2_000, 3), (2_000, 5), (10_000, 3)])
@pytest.mark.parametrize("kind", ["walk", "law"])
def test_interval_contains_the_entropy_95_times_in_100(n, m, kind):
    rng = np.random.default_rng(n + m)

    def series(size):
        steps = rng.normal(size=size) if kind == "walk" else recorded_walk(size, 0.4, rng)
        return steps.cumsum()

    truth = permutation_entropy(series(2_000_000), m=m).value
    intervals = [permutation_entropy(series(n), m=m).interval for _ in range(1_000)]
    assert 930 <= sum(low <= truth <= high for low, high in intervals) <= 975


def test_interval_of_noise_reaches_1():
    rng = np.random.default_rng(4)
    assert all(permutation_entropy(rng.random(2_000), m=5).interval[1] > 0.999 for _ in range(200))


def test_entropy_is_bits_divided_by_their_maximum():
    estimate = permutation_entropy(BANDT_POMPE, m=3)
    assert estimate.value == pytest.approx(estimate.bits / math.log2(6))
