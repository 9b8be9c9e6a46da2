import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotes.law.randomwalk import WalkState, generator, regime_spans, step, walk


@given(
    seed=st.integers(0, 2**63 - 1),
    phi=st.floats(-1, 1),
    n=st.integers(0, 400),
    start=st.integers(1, 30),
    direction=st.sampled_from([-1, 1]),
)
def test_scalar_step_and_vectorised_walk_give_identical_ticks(seed, phi, n, start, direction):
    ticks, last = walk(n, phi, generator(seed, "ES", "signs"), start, direction)
    rng = generator(seed, "ES", "signs")
    state = WalkState(start, direction)
    path = []
    for _ in range(n):
        state = step(state, phi, rng.random())
        path.append(state.ticks)
    assert ticks.tolist() == path
    assert last == state.direction


@given(seed=st.integers(0, 10**6), cut=st.integers(0, 300), start=st.integers(1, 20))
def test_resumed_walk_equals_uninterrupted_walk(seed, cut, start):
    whole, _ = walk(300, 0.3, generator(seed, "NQ", "signs"), start)
    head, direction = walk(cut, 0.3, generator(seed, "NQ", "signs"), start)
    resumed_from = int(head[-1]) if cut else start
    tail, _ = walk(
        300 - cut, 0.3, generator(seed, "NQ", "signs", skip=cut), resumed_from, direction
    )
    assert np.array_equal(whole, np.concatenate((head, tail)))
    assert whole.min() >= 1


@pytest.mark.parametrize("phi", np.linspace(-0.8, 0.8, 9))
def test_sign_correlations_are_phi_and_phi_squared(phi):
    n = 100_000
    ticks, _ = walk(n, phi, np.random.default_rng(11), start_ticks=10**7)
    signs = np.diff(ticks)
    for lag in (1, 2):
        expected = phi**lag
        products = signs[lag:] * signs[:-lag]
        # The products at lag 2 are themselves correlated; the bound below covers both lags.
        standard_error = math.sqrt((1 - expected**2 + 2 * phi**2 * (1 - phi**2) * (lag - 1)) / n)
        assert abs(products.mean() - expected) < 4 * standard_error


def test_regimes_cover_all_steps_with_phi_in_range():
    spans = regime_spans(generator(7, "ES", "regimes"), 1.0)
    end = 0
    for _, span in zip(range(1000), spans, strict=False):
        assert span.first == end
        assert span.end > span.first
        assert -0.8 <= span.phi <= 0.8
        end = span.end
    assert end / 1000 == pytest.approx(300, rel=0.15)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"n": -1, "phi": 0}, "n = -1"),
        ({"n": 5, "phi": 1.5}, "phi = 1.5"),
        ({"n": 5, "phi": float("nan")}, "phi = nan"),
        ({"n": 5, "phi": [0.1, 0.2]}, "shape"),
        ({"n": 5, "phi": 0, "start_ticks": 0}, "start_ticks = 0"),
        ({"n": 5, "phi": 0, "direction": 2}, "direction = 2"),
    ],
)
def test_invalid_arguments_are_named(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        walk(rng=np.random.default_rng(1), **arguments)
