"""The rules. Each takes a proposal, a portfolio and limits, and returns what is wrong, or None.

Orders that only reduce a position pass all of them: what closes risk is never refused.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

from exchange.clearing.money import PPM
from exchange.kinds import MONEY_UNITS
from trading.core.risk.kelly import stake_ppm
from trading.core.risk.limits import Limits
from trading.core.risk.portfolio import Portfolio, Proposal


class Refusal(NamedTuple):
    """A rule that an order breaks, and why, in words."""

    rule: str
    reason: str


Rule: TypeAlias = Callable[[Proposal, Portfolio, Limits], str | None]


def kill_switch(_: Proposal, portfolio: Portfolio, __: Limits) -> str | None:
    """Nothing is opened after the kill switch."""
    return "the kill switch is on: release it to trade again" if portfolio.is_killed else None


def max_drawdown(_: Proposal, portfolio: Portfolio, limits: Limits) -> str | None:
    """Nothing is opened while the equity is too far below its peak."""
    limit = limits.max_drawdown_ppm
    if limit is None or portfolio.drawdown_ppm <= limit:
        return None
    return f"the drawdown is {_percent(portfolio.drawdown_ppm)}, the limit {_percent(limit)}"


def min_order(proposal: Proposal, _: Portfolio, limits: Limits) -> str | None:
    """An order has a least value."""
    if limits.min_order is None or proposal.value >= limits.min_order:
        return None
    return f"the order is worth {_money(proposal.value)}, the least is {_money(limits.min_order)}"


def max_positions(proposal: Proposal, portfolio: Portfolio, limits: Limits) -> str | None:
    """So many instruments may have a position, or an order that opens one."""
    limit = limits.max_positions
    if limit is None or portfolio.exposure(proposal.symbol).is_open:
        return None
    count = sum(each.is_open for each in portfolio.exposures.values())
    return f"{count} positions are open, the limit is {limit}" if count >= limit else None


def max_exposure(proposal: Proposal, portfolio: Portfolio, limits: Limits) -> str | None:
    """The sum of the largest positions that may come about is limited."""
    limit = limits.max_exposure
    if limit is None:
        return None
    now = portfolio.exposure(proposal.symbol)
    then = now.with_order(proposal.side, proposal.value).largest
    total = sum(each.largest for each in portfolio.exposures.values()) - now.largest + then
    return _beyond("the exposure", total, limit) if then > now.largest else None


def correlation_limit(proposal: Proposal, portfolio: Portfolio, limits: Limits) -> str | None:
    """Positions that win and lose together are limited as if they were one."""
    limit = limits.max_correlated_ppm
    if limit is None:
        return None
    before = _together(proposal, portfolio, limits.correlated_from, 0)
    after = _together(proposal, portfolio, limits.correlated_from, proposal.value)
    most = portfolio.equity * limit // PPM
    return _beyond("what moves together with this order", after, most) if after > before else None


def _together(proposal: Proposal, portfolio: Portfolio, least: float, added: int) -> int:
    """Return the value of what gains and loses together with a proposal, `added` of its own."""
    total = 0
    for symbol in {*portfolio.exposures, proposal.symbol}:
        correlation = portfolio.correlation(proposal.symbol, symbol)
        if abs(correlation) >= least:
            each, direction = portfolio.exposure(symbol), proposal.side
            if correlation < 0:
                direction = -direction
            working = each.buying if direction > 0 else each.selling
            own = added if symbol == proposal.symbol else 0
            total += max(0, direction * each.position + working + own)
    return total


def portfolio_heat(proposal: Proposal, portfolio: Portfolio, limits: Limits) -> str | None:
    """What is lost if every stop is reached at once is limited."""
    limit = limits.max_heat_ppm
    if limit is None:
        return None
    heat = sum(each.risk for each in portfolio.exposures.values()) + proposal.risk
    return _beyond("the loss at all stops", heat, portfolio.equity * limit // PPM)


def kelly_fraction(proposal: Proposal, portfolio: Portfolio, limits: Limits) -> str | None:
    """One order takes at most the Kelly fraction of the equity, and never more than its cap."""
    if limits.kelly_cap_ppm is None:
        return None
    share = stake_ppm(portfolio.record, limits.kelly_cap_ppm, limits.kelly_trades)
    most = portfolio.equity * share // PPM
    return _beyond("the order", proposal.value, most)


RULES: Final[Mapping[str, Rule]] = {
    rule.__name__: rule
    for rule in (
        kill_switch,
        max_drawdown,
        min_order,
        max_positions,
        max_exposure,
        correlation_limit,
        portfolio_heat,
        kelly_fraction,
    )
}


def refusals(proposal: Proposal, portfolio: Portfolio, limits: Limits) -> list[Refusal]:
    """Return every rule that an order breaks, [] if it may be sent."""
    if proposal.reduces:
        return []
    found = ((name, rule(proposal, portfolio, limits)) for name, rule in RULES.items())
    return [Refusal(name, reason) for name, reason in found if reason is not None]


def _beyond(what: str, value: int, limit: int) -> str | None:
    if value <= limit:
        return None
    return f"{what} would be worth {_money(value)}, the limit is {_money(limit)}"


def _money(units: int) -> str:
    return f"{Decimal(units) / MONEY_UNITS:,.2f}"


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:.2f} %"
