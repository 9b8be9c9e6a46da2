"""ccxt and ccxt.pro against the door."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import ccxt
import ccxt.pro

from rig.conformance import ccxtshared
from rig.conformance.harness import Exchange
from rig.conformance.matrix import Check, require
from rig.venues import Venue

SYMBOL: Final = "BTC/USDT:USDT"
AMOUNT: Final = 0.02


def settings(venue: Venue) -> dict[str, Any]:
    """Return the constructor's argument that points ccxt here."""
    base, sockets = venue.http, f"{venue.ws}/v5"
    return {
        "apiKey": venue.key,
        "secret": venue.secret,
        "options": {"defaultType": "linear", "fetchOrder": {"acknowledged": True}},
        "urls": {
            "api": {
                "public": base,
                "private": base,
                "ws": {
                    "public": {"linear": f"{sockets}/public/linear"},
                    "private": {
                        "contract": f"{sockets}/private",
                        "unified": f"{sockets}/private",
                        "trade": f"{sockets}/trade",
                    },
                },
            }
        },
    }


NEVER_SET: Final = "ccxt never sets it for bybit"
HARNESSED: Final = Exchange(
    id="bybit",
    symbol=SYMBOL,
    settings=settings,
    has_trading=True,
    exceptions={
        "fetchLeverageTiers": "the harness passes a list of lists, which ccxt cannot look up",
        "fetchDeposits": "money is paid in and out by the admin, not by transfers",
        "fetchWithdrawals": "money is paid in and out by the admin, not by transfers",
        "fetchTransfers": "an account has one wallet",
        "fetchBorrowInterest": "spot margin is not served",
        "fetchPositions": {"marginMode": NEVER_SET},
        "watchPositions": {"marginMode": NEVER_SET},
    },
)


class CcxtRest(ccxtshared.CcxtRest):
    """The synchronous exchange; each method is a check."""

    def __init__(self, venue: Venue) -> None:
        super().__init__(ccxt.bybit(settings(venue)), SYMBOL, AMOUNT)

    def checks(self) -> Mapping[str, Check]:
        of = self.exchange
        return {
            **super().checks(),
            "funding history": lambda: of.fetch_funding_rate_history(SYMBOL),
            "balance": lambda: require(of.fetch_balance()["USDT"]["total"] > 0, "no balance"),
            "fee rates": lambda: require(
                of.fetch_trading_fee(SYMBOL)["taker"] == 0.00055,
                "not the fees of the schedule bybit",
            ),
            "ledger": self.ledger,
            "set leverage": self.leverage,
            "amend order": self.amend,
            "batch of orders": self.batch,
            "closed profits": self.closed,
        }

    def ledger(self) -> None:
        self.buy()
        require(self.exchange.fetch_ledger("USDT"), "no entries")

    def leverage(self) -> None:
        now = self.exchange.fetch_leverage(SYMBOL)["longLeverage"]
        other = 5 if now != 5 else 7
        self.exchange.set_leverage(other, SYMBOL)
        require(self.exchange.fetch_leverage(SYMBOL)["longLeverage"] == other, "unchanged")

    def amend(self) -> None:
        order, price = self.place(), self.rest_price()
        self.exchange.edit_order(order, SYMBOL, "limit", "buy", 2 * AMOUNT, price)
        require(self.exchange.fetch_open_order(order, SYMBOL)["amount"] == 2 * AMOUNT, "unchanged")

    def batch(self) -> None:
        price = self.rest_price()
        order = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": AMOUNT, "price": price}
        made = self.exchange.create_orders([order, order])
        require(len({each["id"] for each in made}) == 2, "not two orders")
        self.exchange.cancel_orders([each["id"] for each in made], SYMBOL)

    def closed(self) -> None:
        self.buy()
        self.exchange.create_order(SYMBOL, "market", "sell", AMOUNT, params={"reduceOnly": True})
        require(self.exchange.fetch_positions_history([SYMBOL]), "no closed profits")


class CcxtStreams(ccxtshared.CcxtStreams):
    depth = 50

    def __init__(self, venue: Venue, rest: CcxtRest) -> None:
        super().__init__(lambda: ccxt.pro.bybit(settings(venue)), rest)

    def checks(self) -> Mapping[str, Check]:
        return {
            **super().checks(),
            "stream: positions": self.watching(self.position, self._rest.buy),
            "socket: place order": self.watching(self.place),
            "socket: amend order": self.watching(self.amend),
            "socket: cancel order": self.watching(self.cancel),
        }

    async def position(self, exchange: Any) -> Any:
        """Await a message: the first answer is that of REST."""
        await exchange.watch_positions([SYMBOL])
        return await exchange.watch_positions([SYMBOL])

    async def place(self, exchange: Any) -> str:
        price = await asyncio.to_thread(self._rest.rest_price)
        order = await exchange.create_order_ws(SYMBOL, "limit", "buy", AMOUNT, price)
        return str(order["id"])

    async def amend(self, exchange: Any) -> Any:
        order = await self.place(exchange)
        price = await asyncio.to_thread(self._rest.rest_price)
        return await exchange.edit_order_ws(order, SYMBOL, "limit", "buy", 2 * AMOUNT, price)

    async def cancel(self, exchange: Any) -> Any:
        return await exchange.cancel_order_ws(await self.place(exchange), SYMBOL)
