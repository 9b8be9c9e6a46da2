"""Positions and wallet of an account as they are now, for the topics `position` and `wallet`."""

from typing import Any

from exchange.accounts.statement import statement
from venues.bybit.accounts.positionrows import position_row
from venues.bybit.accounts.walletrows import ACCOUNT_TYPE, wallet_row
from venues.bybit.listed import all_listed


def position_states(account: int) -> dict[str, Any]:
    """Return the positions of an account by symbol."""
    listed = all_listed()
    return {
        held.instrument.symbol: position_row(held, held.instrument.lattice, 0, 0)
        for held in statement(account).positions
        if held.instrument.symbol in listed
    }


def wallet_state(account: int) -> dict[str, Any]:
    return {ACCOUNT_TYPE: wallet_row(statement(account))}
