"""Positions and wallet of an account as they are now, for the topics `position` and `wallet`."""

from collections.abc import Mapping
from typing import Any, Final

from exchange.accounts.statement import statement
from exchange.accounts.traders import Trader
from exchange.models import Account
from venues.bybit.accounts.walletrows import ACCOUNT_TYPE, wallet_row
from venues.bybit.categories import Category
from venues.bybit.listed import all_listed
from venues.bybit.rest.positions import shown

NAMES: Final = {"avgPrice": "entryPrice"}
"""Fields that have another name over REST."""


def position_states(account: int) -> dict[str, Any]:
    """Return the positions of an account by symbol."""
    listed = all_listed()
    held = [each for each in statement(account).positions if each.instrument.symbol in listed]
    who = Trader(account=Account.objects.get(pk=account))
    return {row["symbol"]: streamed(row) for row in shown(who, held)}


def streamed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the topic `position`."""
    fields = {NAMES.get(name, name): value for name, value in row.items()}
    return {"category": Category.LINEAR.value, **fields}


def wallet_state(account: int) -> dict[str, Any]:
    return {ACCOUNT_TYPE: wallet_row(statement(account))}
