"""The money of an account as Deribit's account summaries and portfolios.

An account has one balance, in dollars: it is shown as USDC. All other currencies are empty.
"""

from typing import Any, Final

from exchange.accounts.statement import Statement, statement
from exchange.models import Account
from market.times import to_microseconds
from venues.deribit import numbers
from venues.deribit.accounts.positionrows import position_margin
from venues.deribit.contracts import CASH, DOLLARS
from venues.deribit.credits import Limit
from venues.deribit.listed import by_key

EMPTY: Final = (
    "options_value", "options_pl", "options_session_upl", "options_session_rpl", "options_delta",
    "options_gamma", "options_vega", "options_theta", "fee_balance", "spot_reserve",
    "additional_reserve",
)  # fmt: skip

FLAGS: Final = {
    "portfolio_margining_enabled": False,
    "cross_collateral_enabled": False,
    "margin_model": "cross_sm",
    "options_gamma_map": {},
    "options_theta_map": {},
    "options_vega_map": {},
}


def portfolio(account: Account, currency: str) -> dict[str, Any]:
    """Return the balance and margins in a currency."""
    now = statement(account.pk)
    shown, by_index = members(now), deltas(now)
    if currency not in DOLLARS:
        shown, by_index = dict.fromkeys(shown, 0.0), {}
    empty = dict.fromkeys(EMPTY, 0.0)
    return {"currency": currency, **shown, **empty, "delta_total_map": by_index} | FLAGS


def deltas(now: Statement) -> dict[str, float]:
    """Return by price index how many coins the positions hold."""
    listed, found = by_key(), dict[str, float]()
    for each in now.positions:
        if each.lots and (here := listed.get(each.instrument.pk)) is not None:
            index = here.contract.index_name
            found[index] = found.get(index, 0.0) + numbers.amount(here.lattice, each.lots)
    return found


def members(now: Statement) -> dict[str, float]:
    value, held = now.valuation, [each for each in now.positions if each.lots]
    unrealised = value.equity - now.balance
    realised = sum(each.realised for each in now.positions)
    funding = sum(each.funding for each in now.positions)
    delta = sum(deltas(now).values())
    available = numbers.money(max(0, value.available))
    initial = numbers.money(value.initial)
    positions = sum(map(position_margin, held))
    return {
        "balance": numbers.money(now.balance),
        "equity": numbers.money(value.equity),
        "margin_balance": numbers.money(value.equity),
        "available_funds": available,
        "available_withdrawal_funds": available,
        "initial_margin": initial,
        "maintenance_margin": numbers.money(value.maintenance),
        "projected_initial_margin": initial,
        "projected_maintenance_margin": numbers.money(value.maintenance),
        "open_orders_margin": numbers.money(max(0, value.initial - positions)),
        "delta_total": delta,
        "projected_delta_total": delta,
        "futures_pl": numbers.money(unrealised + realised),
        "futures_session_upl": numbers.money(unrealised),
        "futures_session_rpl": numbers.money(realised),
        "session_upl": numbers.money(unrealised),
        "session_rpl": numbers.money(realised),
        "session_funding": numbers.money(funding),
        "total_pl": numbers.money(unrealised + realised + funding),
    }


def summary(account: Account, currency: str, *, is_extended: bool = False) -> dict[str, Any]:
    """Return the summary of a currency; an extended one says whose account it is."""
    shown = {**portfolio(account, currency), "limits": limits(), "fees": [], "deposit_address": ""}
    return {**shown, **identity(account)} if is_extended else shown


def summaries(account: Account, *, is_extended: bool = False) -> dict[str, Any]:
    """Return the summaries of all currencies that are not empty, and whose account it is."""
    whose = identity(account)
    if not is_extended:
        whose = {name: whose[name] for name in ("id", "type", "username")}
    return {**whose, "summaries": [summary(account, CASH)]}


def identity(account: Account) -> dict[str, Any]:
    return {
        "id": account.pk,
        "email": "",
        "system_name": account.name,
        "username": account.name,
        "type": "main",
        "block_rfq_self_match_prevention": False,
        "creation_timestamp": to_microseconds(account.created_at) // 1_000,
        "interuser_transfers_enabled": False,
        "login_enabled": False,
        "mmp_enabled": False,
        "referrer_id": None,
        "security_keys_enabled": False,
        "self_trading_reject_mode": "reject_taker",
        "self_trading_extended_to_subaccounts": False,
    }


def limits() -> dict[str, Any]:
    """Return how many requests an account may send."""
    requests, matching = Limit.REQUESTS.value, Limit.MATCHING.value
    return {
        "limits_per_currency": False,
        "non_matching_engine": {"burst": requests.burst, "rate": requests.rate},
        "matching_engine": {
            "trading": {"total": {"burst": matching.burst, "rate": matching.rate}},
            "cancel_all": {"burst": matching.burst, "rate": matching.rate},
        },
    }
