"""The market beside the formulas of docs/exchange.md."""

import itertools
import math

import numpy as np
import pytest

from exchange.flow.metaorders import autocorrelation, continuation, orders_left
from exchange.flow.parameters import FlowParameters
from exchange.flow.tests.markets import Crowd, law_of, open_market, run_with
from exchange.matching import BUY, SELL
from exchange.truth.estimates import Estimate, events, mean
from exchange.truth.exact import (
    expected_moves,
    persistence,
    posterior,
    probability_up,
    response,
    sample_of,
    signature,
    truth,
)
from exchange.truth.shape import BookSample, book_truth, lots_by_distance

PRICE = 10**6
LIMIT = 4
LAWS = tuple(itertools.product((-0.8, -0.4, 0.0, 0.4, 0.8), (0.0, 0.15, 0.3)))


def sample_from(made, phi, kappa, alpha=1.5):
    n = len(made.quotes)
    ticks = np.concatenate(([PRICE], made.quotes["ticks"]))
    return sample_of(ticks, np.full(n, phi), np.full(n, kappa), alpha, 1, made.trades)


def sample_with(phi, kappa, n, seed=1, alpha=1.5):
    market = open_market(
        law_of(seed, phi, PRICE), informed=kappa, parameters=FlowParameters(alpha=alpha)
    )
    return sample_from(market.run_slots(n), phi, kappa, alpha)


def books_with(phi, kappa, n, every=20, seed=1):
    """Observe every twentieth book just before the step that ends its slot."""
    law = law_of(seed, phi, PRICE)
    market = open_market(law, informed=kappa)
    ticks, slots, lots, spreads = [np.array([PRICE])], [], [], []
    for _ in range(n // every):
        ticks.append(market.run_slots(every - 1).quotes["ticks"])
        market.advance(law.at(market.position.slot) - 1)
        slots.append(market.position.slot - 1)
        spreads.append(market.best(SELL) - market.best(BUY))
        bids, asks = market.levels(BUY, 300), market.levels(SELL, 300)
        lots.append(lots_by_distance(bids, asks, market.mark, 200))
        ticks.append(market.run_slots(1).quotes["ticks"])
    arrays = (np.concatenate(ticks), *map(np.array, (slots, lots, spreads)))
    return BookSample(*arrays, FlowParameters())


def wrong(rows):
    return [(row, row.z) for row in rows if not abs(row.z) < LIMIT]


@pytest.fixture(scope="module")
def laws_and_slots(request):
    """All laws for long, or three of them for a moderate time."""
    return (LAWS, 40_000) if request.config.getoption("long") else (LAWS[1::6], 5_000)


def test_quotes_and_trades_agree_with_the_truth(laws_and_slots):
    laws, n = laws_and_slots
    for phi, kappa in laws:
        rows = truth(sample_with(phi, kappa, n, seed=3))
        assert not wrong(rows), (phi, kappa)
        assert len(rows) > 15


def test_posterior_of_an_up_step_is_calibrated_if_noise_has_no_memory(laws_and_slots):
    laws, n = laws_and_slots
    for phi, kappa in laws:
        rows = list(posterior(sample_with(phi, kappa, n, seed=4, alpha=math.inf)))
        assert not wrong(rows), (phi, kappa)
        assert rows


def test_books_agree_with_the_truth(laws_and_slots):
    laws, n = laws_and_slots
    for phi, kappa in laws:
        assert not wrong(book_truth(books_with(phi, kappa, n, seed=5))), (phi, kappa)


def test_metaorders_make_the_naive_posterior_overconfident():
    sample = sample_with(0.3, 0.3, 10_000, seed=5)
    probability, up = probability_up(sample), sample.steps[1:] > 0
    claimed = np.maximum(probability, 1 - probability).mean()
    reached = np.mean((probability > 0.5) == up)
    assert claimed - reached > 0.03


def test_regimes_and_shares_that_change_are_pooled():
    market = open_market(law_of(4, None, PRICE))
    made = market.run_slots(6_000)
    n = len(made.quotes)
    lengths = np.diff(np.append(made.regimes["first_seq"], n + 1))
    phi = np.repeat(made.regimes["phi"], lengths)
    kappa = np.repeat(made.flow["kappa"], lengths)
    ticks = np.concatenate(([PRICE], made.quotes["ticks"]))
    rows = truth(sample_of(ticks, phi, kappa, 1.5, 1, made.trades))
    assert not wrong(rows)
    assert len(set(kappa)) == 3


def test_orders_of_accounts_are_left_out():
    market = open_market(law_of(2, 0.4, PRICE), informed=0.3)
    made = run_with(Crowd(3, 0.3, market), market, 2_000)
    sample = sample_from(made, 0.4, 0.3)
    assert not wrong([persistence(sample), *response(sample)])
    assert (made.trades["taker"] < 0).sum() > 100


def test_a_sample_needs_all_trades_of_two_slots():
    made = open_market(law_of(1, 0.0, PRICE)).run_slots(3)
    with pytest.raises(ValueError, match="at least 2"):
        sample_of(np.array([PRICE, PRICE + 1]), np.zeros(1), np.zeros(1), 1.5, 1, made.trades)
    with pytest.raises(ValueError, match="has no trade"):
        sample_from(made.with_rows(trades=made.trades[made.trades["slot"] != 2]), 0.0, 0.0)


@pytest.mark.parametrize("phi", [-0.8, 0.0, 0.4])
def test_exact_values_equal_the_closed_formulas(phi):
    sample = sample_with(phi, 0.3, 60)
    for row, k in zip(signature(sample), (2, 5, 10, 50), strict=True):
        closed = (1 + phi) / (1 - phi) - 2 * phi * (1 - phi**k) / (k * (1 - phi) ** 2)
        assert row.exact == pytest.approx(closed)
    for row, k in zip(response(sample), (1, 2, 5), strict=True):
        assert row.exact == pytest.approx(0.3 * (1 - phi**k) / (1 - phi))
    assert expected_moves(sample.phi, 3)[0] == pytest.approx(1 + phi + phi**2)


def test_the_sign_autocorrelation_of_metaorders():
    by_sums = [(np.arange(lag + 1, 10**7) ** -2.5).sum() for lag in (0, 1, 10)]
    for lag, total in zip((0, 1, 10), by_sums, strict=True):
        assert autocorrelation(lag, 2.5) == pytest.approx(total / by_sums[0], rel=1e-7)
    assert [autocorrelation(lag, math.inf) for lag in (0, 1)] == [1, 0]


def test_a_metaorder_in_progress_has_the_stationary_length():
    rng = np.random.default_rng(1)
    left = np.array([orders_left(u, 1.5) for u in rng.random(4_000)])
    for r in (1, 3, 30):
        share, exact = (left > r).mean(), autocorrelation(r, 1.5)
        assert abs(share - exact) < LIMIT * math.sqrt(exact * (1 - exact) / len(left))


def test_the_continuation_of_runs_without_memory_is_a_coin():
    assert continuation([1, 2, 9], math.inf).tolist() == [0.5, 0.5, 0.5]


def test_deviations_are_in_standard_errors():
    assert Estimate("a", 1.0, 0.5, 0.25).z == 2
    assert Estimate("a", 1.0, 1.0, 0.0).z == 0
    assert Estimate("a", 0.9, 1.0, 0.0).z == math.inf
    normal = np.random.default_rng(1).normal(3.0, 2.0, 10_000)
    assert mean("m", normal, np.full(10_000, 3.0)).standard_error == pytest.approx(0.02, rel=0.3)
    row = events("e", np.array([True, False]), np.array([0.5, 0.5]))
    assert row == ("e", 0.5, 0.5, math.sqrt(0.5) / 2)
