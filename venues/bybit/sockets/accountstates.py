"""Positions and wallet of an account as they are now, for the topics `position` and `wallet`."""

from typing import Any, Final

from exchange.accounts.statement import statement
from exchange.accounts.traders import Trader
from exchange.models import Account
from venues.bybit.accounts.walletrows import ACCOUNT_TYPE, wallet_row
from venues.bybit.listed import all_listed
from venues.bybit.rest.positions import shown

NOT_STREAMED: Final = ("free", "locked")
"""Fields of a coin that only REST has."""


def position_states(account: int) -> dict[str, Any]:
    """Return the positions of an account by symbol."""
    listed = all_listed()
    held = [each for each in statement(account).positions if each.instrument.symbol in listed]
    who = Trader(account=Account.objects.get(pk=account))
    return {row["symbol"]: row for row in shown(who, held)}


def wallet_state(account: int) -> dict[str, Any]:
    row = wallet_row(statement(account))
    coins = [
        {name: text for name, text in coin.items() if name not in NOT_STREAMED}
        for coin in row["coin"]
    ]
    return {ACCOUNT_TYPE: {**row, "coin": coins}}
