import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from exchange.flow.philox import draw, geometric, poisson, scale_of_mean, stream_key
from quotes.law.randomwalk import generator

words = st.integers(0, 2**63 - 1)


@given(key=st.tuples(words, words), counter=st.tuples(words, words, words, words))
def test_numbers_equal_those_of_numpy(key, counter):
    key = np.array(key, np.uint64)
    one_less = sum(word << (64 * i) for i, word in enumerate(counter)) - 1
    theirs = np.random.Generator(np.random.Philox(key=key, counter=one_less % 2**256)).random(4)
    assert list(draw(key, *counter)) == theirs.tolist()


def test_a_stream_has_the_numbers_of_the_generator_of_the_law():
    ours = draw(stream_key(7, "ES", "flow/1"), 1, 0, 0, 0)
    assert list(ours) == generator(7, "ES", "flow/1").random(4).tolist()


@njit
def poisson_counts(mean, uniforms):
    return np.array([poisson(mean, u) for u in uniforms])


@njit
def geometric_sizes(scale, uniforms):
    return np.array([geometric(scale, u) for u in uniforms])


@pytest.mark.parametrize("mean", [0.0, 0.3, 2.0, 34.0, 699.9])
def test_poisson_counts_have_their_mean_and_variance(mean):
    n = 20_000
    counts = poisson_counts(mean, np.random.default_rng(1).random(n))
    assert abs(counts.mean() - mean) <= 4 * math.sqrt(mean / n)
    assert abs(counts.var() - mean) <= 4 * mean * math.sqrt((2 + 1 / max(mean, 1e-9)) / n)


def test_poisson_ends_for_the_largest_uniform_and_any_mean():
    counts = [poisson_counts(mean, np.array([1 - 2.0**-53]))[0] for mean in (0.0, 2.0, 700.0, 1e12)]
    assert counts[0] == 0
    assert 20 < counts[1] < 40
    assert counts[2] == counts[3] < 8192


@pytest.mark.parametrize("mean", [1.0, 1.5, 10.0, 141.0])
def test_sizes_are_whole_lots_with_the_exact_mean(mean):
    n = 50_000
    uniform = np.random.default_rng(2).random(n)
    sizes = geometric_sizes(scale_of_mean(mean), uniform)
    assert sizes.min() == 1
    assert abs(sizes.mean() - mean) <= 4 * math.sqrt(mean * (mean - 1) / n)
