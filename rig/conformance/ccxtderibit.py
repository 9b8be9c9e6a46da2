"""ccxt.deribit and ccxt.pro.deribit against the door."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import ccxt
import ccxt.pro

from rig.conformance.harness import Exchange
from rig.conformance.matrix import Check, require
from rig.venues import Venue

SYMBOL: Final = "BTC/USDC:USDC"
AMOUNT: Final = 0.02
WAIT_S: Final = 30.0


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


class CcxtRest:
    """The synchronous exchange; each method is a check."""

    def __init__(self, venue: Venue) -> None:
        self.exchange: Any = ccxt.deribit(settings(venue))

    def rest_price(self) -> float:
        return round(float(self.exchange.fetch_ticker(SYMBOL)["bid"]) * 0.97, 1)

    def place(self) -> str:
        price = self.rest_price()
        return str(self.exchange.create_order(SYMBOL, "limit", "buy", AMOUNT, price)["id"])

    def buy(self) -> str:
        return str(self.exchange.create_order(SYMBOL, "market", "buy", AMOUNT)["id"])

    def open_ids(self) -> list[str]:
        return [order["id"] for order in self.exchange.fetch_open_orders(SYMBOL)]

    def checks(self) -> Mapping[str, Check]:
        of = self.exchange
        return {
            "server time": lambda: require(
                abs(of.fetch_time() / 1000 - time.time()) < 10, "the clock of the door is wrong"
            ),
            "instruments": lambda: require(SYMBOL in of.load_markets(True), "no such market"),
            "ticker": lambda: require(of.fetch_ticker(SYMBOL)["last"], "no last price"),
            "price index": lambda: require(
                of.public_get_get_index_price({"index_name": "btc_usdc"})["result"], "no price"
            ),
            "order book": lambda: require(of.fetch_order_book(SYMBOL)["bids"], "no bids"),
            "recent trades": lambda: require(of.fetch_trades(SYMBOL, limit=5), "no trades"),
            "candles": lambda: require(of.fetch_ohlcv(SYMBOL, "1m"), "no candles"),
            "balance": lambda: require(of.fetch_balance()["USDC"]["total"] > 0, "no balance"),
            "fee rates": lambda: require(of.fetch_trading_fees(), "no fees"),
            "place order": lambda: require(self.place() in self.open_ids(), "the order is gone"),
            "amend order": self.amend,
            "cancel order": self.cancel,
            "cancel all orders": self.cancel_all,
            "open orders": lambda: require(self.place() in self.open_ids(), "the order is gone"),
            "order history": self.history,
            "executions": self.executions,
            "positions": self.positions,
        }

    def amend(self) -> None:
        order, price = self.place(), self.rest_price()
        self.exchange.edit_order(order, SYMBOL, "limit", "buy", 2 * AMOUNT, price)
        require(self.exchange.fetch_order(order, SYMBOL)["amount"] == 2 * AMOUNT, "unchanged")

    def cancel(self) -> None:
        order = self.place()
        self.exchange.cancel_order(order, SYMBOL)
        require(order not in self.open_ids(), "the order is still open")

    def cancel_all(self) -> None:
        self.place()
        self.exchange.cancel_all_orders(SYMBOL)
        require(not self.open_ids(), "orders are still open")

    def history(self) -> None:
        order = self.buy()
        found = {each["id"]: each for each in self.exchange.fetch_closed_orders(SYMBOL)}
        require(found[order]["status"] == "closed", "the order is not closed")

    def executions(self) -> None:
        order = self.buy()
        trades = self.exchange.fetch_order_trades(order, SYMBOL)
        require(round(sum(trade["amount"] for trade in trades), 3) == AMOUNT, "sums differ")

    def positions(self) -> None:
        self.buy()
        (held,) = self.exchange.fetch_positions([SYMBOL])
        require(held["side"] == "long" and held["contracts"] > 0, "no long position")


class CcxtStreams:
    """ccxt.pro; each check has a loop and an exchange of its own."""

    def __init__(self, venue: Venue, rest: CcxtRest) -> None:
        self._venue, self._rest = venue, rest

    def checks(self) -> Mapping[str, Check]:
        rest = self._rest
        return {
            "stream: order book": self.watching(self.order_book),
            "stream: trades": self.watching(lambda of: of.watch_trades(SYMBOL)),
            "stream: ticker": self.watching(lambda of: of.watch_ticker(SYMBOL)),
            "stream: candles": self.watching(lambda of: of.watch_ohlcv(SYMBOL, "1m")),
            "stream: orders": self.watching(lambda of: of.watch_orders(SYMBOL), rest.place),
            "stream: executions": self.watching(lambda of: of.watch_my_trades(SYMBOL), rest.buy),
            "stream: wallet": self.watching(lambda of: of.watch_balance(), rest.buy),
        }

    def watching(
        self, watch: Callable[[Any], Awaitable[Any]], act: Callable[[], Any] | None = None
    ) -> Check:
        """Return a check that awaits something while another client acts again and again."""

        async def acting() -> None:
            while act is not None:
                await asyncio.to_thread(act)
                await asyncio.sleep(0.5)

        async def check() -> None:
            exchange: Any = ccxt.pro.deribit(settings(self._venue))
            other = asyncio.create_task(acting())
            try:
                async with asyncio.timeout(WAIT_S):
                    require(await watch(exchange), "nothing arrived")
            finally:
                other.cancel()
                await exchange.close()

        return lambda: asyncio.run(check())

    async def order_book(self, exchange: Any) -> bool:
        for _ in range(20):
            book = await exchange.watch_order_book(SYMBOL)
            require(book["bids"][0][0] < book["asks"][0][0], "the book is crossed")
        return True
