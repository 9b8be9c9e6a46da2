"""ccxt.deribit and ccxt.pro.deribit against the door."""

from collections.abc import Mapping
from typing import Any, Final

import ccxt
import ccxt.pro

from rig.conformance import ccxtshared
from rig.conformance.harness import Exchange
from rig.conformance.matrix import Check, require
from rig.venues import Venue

SYMBOL: Final = "BTC/USDC:USDC"
AMOUNT: Final = 0.02


def settings(venue: Venue) -> dict[str, Any]:
    """Return the constructor's argument that points ccxt here."""
    return {
        "apiKey": venue.key,
        "secret": venue.secret,
        "urls": {"api": {"rest": venue.http, "ws": f"{venue.ws}/ws/api/v2"}},
    }


NEVER_SET: Final = "ccxt never sets it for deribit"
UNSET: Final = ("timestamp", "datetime", "collateral", "marginMode", "marginRatio", "percentage",
                "contractSize", "lastPrice", "hedged")  # fmt: skip
"""Of positions."""
MONEY: Final = "money is paid in and out by the admin, not by transfers"
HARNESSED: Final = Exchange(
    id="deribit",
    symbol=SYMBOL,
    settings=settings,
    exceptions={
        "fetchDeposits": MONEY,
        "fetchWithdrawals": MONEY,
        "fetchTransfers": MONEY,
        "fetchDepositAddress": MONEY,
        "createDepositAddress": MONEY,
        "fetchAccounts": "an account has no subaccounts",
        "fetchLiquidations": "settlements are not listed",
        "fetchMyLiquidations": "settlements are not listed",
        "fetchVolatilityHistory": "options are not traded",
        "fetchFundingRateHistory": "the funding rate is constant",
        "fetchCurrencies": "the harness wants more than five currencies: there are five",
        "fetchTickers": "ccxt needs a currency, which the harness does not pass",
        "fetchBalance": "ccxt takes the maintenance margin as used, which is not all that is",
        "watchBalance": "ccxt.pro nests a balance in each currency of the balance",
        "fetchPositions": dict.fromkeys(UNSET, NEVER_SET),
    },
)


class CcxtRest(ccxtshared.CcxtRest):
    """The synchronous exchange; each method is a check."""

    def __init__(self, venue: Venue) -> None:
        super().__init__(ccxt.deribit(settings(venue)), SYMBOL, AMOUNT)

    def checks(self) -> Mapping[str, Check]:
        of = self.exchange
        return {
            **super().checks(),
            "price index": lambda: require(
                of.public_get_get_index_price({"index_name": "btc_usdc"})["result"], "no price"
            ),
            "balance": lambda: require(of.fetch_balance()["USDC"]["total"] > 0, "no balance"),
            "fee rates": lambda: require(of.fetch_trading_fees(), "no fees"),
            "amend order": self.amend,
        }

    def amend(self) -> None:
        order, price = self.place(), self.rest_price()
        self.exchange.edit_order(order, SYMBOL, "limit", "buy", 2 * AMOUNT, price)
        require(self.exchange.fetch_order(order, SYMBOL)["amount"] == 2 * AMOUNT, "unchanged")


class CcxtStreams(ccxtshared.CcxtStreams):
    def __init__(self, venue: Venue, rest: CcxtRest) -> None:
        super().__init__(lambda: ccxt.pro.deribit(settings(venue)), rest)
