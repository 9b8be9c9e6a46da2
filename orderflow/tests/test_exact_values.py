"""Exact values of the measures beside simulated markets, and the coverage of intervals."""

import math

import numpy as np
import pytest

from exchange.flow.parameters import FlowParameters
from exchange.flow.tests.markets import law_of, open_market
from orderflow.measures.exact import (
    EXACT,
    Law,
    response,
    roll_covariance,
    share_at_law_level,
    sign_correlation,
    squared_flow,
)
from orderflow.measures.intervals import part_sums
from orderflow.measures.samples import orders_of, slots_of, trades_of
from orderflow.tests.windows import VARIANTS, OneLaw, Regimes, Variant, coverage, windows
from orderflow.truths import LawSpans

PRICE = 10**6
LIMIT = 4
LAWS = ((0.0, 0.0), (0.6, 0.3), (-0.6, 0.3))
LAWS_BY_LOTS = ((0.0, 0.0, 0.0), (0.4, 0.0, None), (0.0, 0.3, None))


@pytest.fixture
def slots(request):
    return 100_000 if request.config.getoption("long") else 6_000


def deviation(values, exact):
    """Return the deviation of a mean in standard errors, from the sums of 50 parts."""
    sums = part_sums(values - exact, 50)
    return float(sums.sum()) / math.sqrt(50 * float(np.var(sums, ddof=1)))


@pytest.mark.parametrize("alpha", [math.inf, 3.0])
@pytest.mark.parametrize(("phi", "kappa"), LAWS)
def test_moments_of_a_market_agree_with_the_exact_ones(phi, kappa, alpha, slots):
    flow = FlowParameters(alpha=alpha)
    market = open_market(law_of(8, phi, PRICE), informed=kappa, parameters=flow)
    trades = trades_of(market.run_slots(slots).trades)
    found, signs = slots_of(trades), orders_of(trades).side
    law = Law(phi=phi, kappa=kappa, flow=flow)
    chosen = found.side != 0
    steps = found.after - found.before
    changes = np.diff(found.ticks[chosen])
    deviations = {
        "signs": deviation(signs[1:] * signs[:-1], sign_correlation(law)),
        "squares": deviation(found.net_orders**2, squared_flow(law)),
        "products": deviation(found.net_orders * steps, kappa * law.mean),
        "spread": deviation(
            (found.side * (found.ticks - found.before))[chosen], share_at_law_level(law)
        ),
        "response": deviation((found.side * steps)[chosen], response(phi, kappa, 1)),
        "roll": deviation(changes[1:] * changes[:-1], roll_covariance(law)),
    }
    assert {name: z for name, z in deviations.items() if abs(z) > LIMIT} == {}


def test_independent_signs_and_no_information_have_simple_values():
    law = Law(phi=0.0, kappa=0.0, flow=FlowParameters(alpha=math.inf))
    assert sign_correlation(law) == 0
    assert squared_flow(law) == pytest.approx(law.mean)
    assert roll_covariance(law) == pytest.approx(-share_at_law_level(law))


def test_signs_of_metaorders_alone_have_their_autocorrelation():
    law = Law(phi=0.4, kappa=0.0, flow=FlowParameters())
    assert sign_correlation(law) == pytest.approx(1 - 1 / 2.6123753)  # zeta(3/2)


def test_exact_values_are_those_of_the_mean_moments():
    flow = FlowParameters()
    laws = [Law(phi=0.2, kappa=kappa, flow=flow) for kappa in (0.0, 0.4)]
    spans = LawSpans(np.array([10, 40]), laws)  # of 30 slots, and without end

    def values(name, **parameters):
        first, last = np.array([10, 9, 20]), np.array([49, 49, 30])
        return spans.values(EXACT[name], parameters, first, last)

    adverse = pytest.approx(0.1 * 1.2)
    assert values("adverse_selection", horizon=2) == [adverse, None, 0]
    assert values("kyle_lambda", count_orders=False) == [None, None, None]
    squares = (3 * squared_flow(laws[0]) + squared_flow(laws[1])) / 4
    assert values("kyle_lambda", count_orders=True) == [pytest.approx(0.2 / squares), None, 0]


def test_kyle_by_lots_is_known_only_without_information_and_memory():
    """With memory, the queues that orders meet tell of the last step, and so of the next."""
    flow, by_lots = FlowParameters(), {"count_orders": False}
    laws = {(phi, kappa): Law(phi=phi, kappa=kappa, flow=flow) for phi, kappa, _ in LAWS_BY_LOTS}
    found = [EXACT["kyle_lambda"].of(laws[phi, kappa], by_lots) for phi, kappa, _ in LAWS_BY_LOTS]
    assert found == [exact for _, _, exact in LAWS_BY_LOTS]


def test_what_has_no_exact_value():
    steep = Law(phi=0.8, kappa=0.0, flow=FlowParameters())
    assert EXACT["roll_spread"].of(steep, {}) is None
    quiet = Law(phi=0.0, kappa=0.0, flow=FlowParameters(market_orders=0))
    assert EXACT["sign_persistence"].of(quiet, {}) is None
    nothing = LawSpans(np.empty(0, np.int64), [])
    assert nothing.values(EXACT["roll_spread"], {}, np.array([1]), np.array([2])) == [None]


def test_intervals_cover_the_exact_values(request):
    """Coarsely; benchmarks/flowcoverage.py measures 2,000 windows of each of six laws."""
    count = 400 if request.config.getoption("long") else 25
    found = coverage(OneLaw(-0.4, 0.15), range(1, count + 1), slots=600)
    allowed = 100 - 5 - LIMIT * 100 * math.sqrt(0.06 * 0.94 / count)
    assert len(found) == len(VARIANTS)
    assert {label: each for label, each in found.items() if each.percent < allowed} == {}


def test_exact_values_of_a_window_of_regimes_are_those_of_its_regimes():
    (window,) = windows(Regimes(), [1], slots=900)
    firsts, laws = window.spans.firsts, window.spans.laws
    kappa = [laws[np.flatnonzero(firsts <= slot)[-1]].kappa for slot in range(2, 901)]
    expected = np.mean(kappa)
    assert len(set(kappa)) > 1
    assert window.exact(Variant("adverse_selection", {"horizon": 1})) == pytest.approx(expected)
