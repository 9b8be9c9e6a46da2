"""Each risk rule at its limit and one unit beyond, named by the rule."""

from dataclasses import replace
from typing import Any

import pytest

from exchange.kinds import MONEY_UNITS
from trading.core.risk.kelly import kelly_ppm, stake_ppm
from trading.core.risk.limits import Limits
from trading.core.risk.portfolio import Exposure, Portfolio, Proposal, Record
from trading.core.risk.rules import RULES, refusals

U = MONEY_UNITS
BUY, SELL = 1, -1
ORDER = Proposal(symbol="ES", side=BUY, value=1_000 * U)
HELD = {
    "ES": Exposure(position=2_000 * U, risk=100 * U),
    "NQ": Exposure(position=-3_000 * U, risk=50 * U),
}
PORTFOLIO = Portfolio(equity=10_000 * U, peak=10_000 * U, exposures=HELD)
KELLY = Record(wins=60, losses=40, gained=6_000 * U, lost=4_000 * U)  # p .6, b 1: f .2


def broken(
    limits: Limits, proposal: Proposal = ORDER, portfolio: Portfolio = PORTFOLIO
) -> list[str]:
    return [refusal.rule for refusal in refusals(proposal, portfolio, limits)]


@pytest.mark.parametrize(
    ("rule", "allowed", "refused"),
    [
        ("min_order", {"min_order": 1_000 * U}, {"min_order": 1_000 * U + 1}),
        ("max_exposure", {"max_exposure": 6_000 * U}, {"max_exposure": 6_000 * U - 1}),
        (
            "correlation_limit",
            {"max_correlated_ppm": 300_000},
            {"max_correlated_ppm": 299_999},
        ),
        ("portfolio_heat", {"max_heat_ppm": 115_000}, {"max_heat_ppm": 114_999}),
        ("kelly_fraction", {"kelly_cap_ppm": 100_000}, {"kelly_cap_ppm": 99_999}),
    ],
)
def test_a_rule_refuses_one_unit_beyond_its_limit(
    rule: str, allowed: dict[str, Any], refused: dict[str, Any]
) -> None:
    assert broken(Limits(**allowed)) == []
    assert broken(Limits(**refused)) == [rule]


def test_max_drawdown_refuses_one_unit_beyond_its_limit() -> None:
    limits = Limits(max_drawdown_ppm=100_000)
    assert broken(limits, portfolio=replace(PORTFOLIO, equity=9_000 * U)) == []
    below = replace(PORTFOLIO, equity=9_000 * U - 1)
    (refusal,) = refusals(ORDER, below, limits)
    assert refusal.rule == "max_drawdown"
    assert "the limit 10.00 %" in refusal.reason


def test_max_positions_counts_instruments_with_orders_too() -> None:
    other = replace(ORDER, symbol="YM")
    assert broken(Limits(max_positions=3), other) == []
    waiting = replace(PORTFOLIO, exposures={**HELD, "RTY": Exposure(selling=1)})
    assert broken(Limits(max_positions=3), other, waiting) == ["max_positions"]
    assert broken(Limits(max_positions=3), ORDER, waiting) == []  # it has a position already


def test_exposure_is_that_of_the_worse_side() -> None:
    limits = Limits(max_exposure=5_000 * U)
    selling = replace(ORDER, side=SELL, value=4_000 * U)  # from +2,000 to -2,000
    assert broken(limits, selling) == []
    assert broken(limits, replace(selling, value=4_000 * U + 1)) == ["max_exposure"]


def test_an_order_that_lowers_the_exposure_passes_above_the_limit() -> None:
    assert broken(Limits(max_exposure=1), replace(ORDER, side=SELL)) == []


@pytest.mark.parametrize(("correlation", "rules"), [(0.9, []), (-0.9, ["correlation_limit"])])
def test_a_short_position_moves_against_a_correlated_long_one(
    correlation: float, rules: list[str]
) -> None:
    known = replace(PORTFOLIO, correlations={frozenset({"ES", "NQ"}): correlation})
    assert broken(Limits(max_correlated_ppm=300_000), portfolio=known) == rules


def test_an_order_against_a_position_adds_only_what_exceeds_it() -> None:
    limits, known = (
        Limits(max_correlated_ppm=100_000),
        replace(PORTFOLIO, exposures={"ES": HELD["ES"]}),
    )
    selling = replace(ORDER, side=SELL, value=3_000 * U)  # from +2,000 to -1,000
    assert broken(limits, selling, known) == []
    assert broken(limits, replace(selling, value=3_000 * U + 1), known) == ["correlation_limit"]


def test_kill_switch_blocks_all_that_opens_and_nothing_that_closes() -> None:
    killed = replace(PORTFOLIO, is_killed=True)
    assert broken(Limits(), portfolio=killed) == ["kill_switch"]
    closing = replace(ORDER, reduces=True, value=1)
    assert broken(Limits(min_order=10**12), closing, killed) == []


def test_all_broken_rules_are_named() -> None:
    worst = replace(PORTFOLIO, is_killed=True, equity=1, exposures=HELD)
    limits = Limits(
        max_positions=2,
        max_exposure=1,
        min_order=2_000 * U,
        max_drawdown_ppm=1,
        max_correlated_ppm=1,
        max_heat_ppm=1,
        kelly_cap_ppm=1,
    )
    assert set(broken(limits, replace(ORDER, symbol="YM"), worst)) == set(RULES)


@pytest.mark.parametrize(
    ("record", "ppm"),
    [
        (KELLY, 200_000),
        (Record(wins=50, losses=50, gained=2_000, lost=1_000), 250_000),  # p .5, b 2
        (Record(wins=40, losses=60, gained=4_000, lost=6_000), 0),
        (Record(wins=3, losses=0, gained=5), 10**6),
        (Record(losses=9, lost=9), 0),
        (Record(), 0),
    ],
)
def test_kelly_fraction_of_known_records(record: Record, ppm: int) -> None:
    assert kelly_ppm(record) == ppm


def test_kelly_fraction_is_capped_and_needs_trades() -> None:
    assert stake_ppm(KELLY, 150_000, 30) == 150_000
    assert stake_ppm(KELLY, 900_000, 30) == 200_000
    assert stake_ppm(KELLY, 900_000, 101) == 900_000


@pytest.mark.parametrize(
    "wrong", [{"min_order": -1}, {"correlated_from": 1.5}, {"max_drawdown_ppm": 1_000_001}]
)
def test_impossible_limits_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)
