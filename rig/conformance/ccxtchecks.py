"""ccxt and ccxt.pro against the door."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import ccxt
import ccxt.pro

from rig.conformance.harness import Exchange
from rig.conformance.matrix import Check, require
from rig.venues import Venue

SYMBOL: Final = "BTC/USDT:USDT"
WAIT_S: Final = 30.0


def settings(venue: Venue) -> dict[str, Any]:
    """Return the constructor's argument that points ccxt here."""
    base, sockets = venue.http, f"{venue.ws}/v5"
    return {
        "apiKey": venue.key,
        "secret": venue.secret,
        "options": {"defaultType": "linear"},
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


class CcxtRest:
    """The synchronous exchange; each method is a check."""

    def __init__(self, venue: Venue) -> None:
        self.exchange: Any = ccxt.bybit(settings(venue))

    def rest_price(self) -> float:
        return round(float(self.exchange.fetch_ticker(SYMBOL)["bid"]) * 0.97, 1)

    def place(self) -> str:
        price = self.rest_price()
        return str(self.exchange.create_order(SYMBOL, "limit", "buy", 0.01, price)["id"])

    def buy(self) -> str:
        return str(self.exchange.create_order(SYMBOL, "market", "buy", 0.02)["id"])

    def open_ids(self) -> list[str]:
        return [order["id"] for order in self.exchange.fetch_open_orders(SYMBOL)]

    def checks(self) -> dict[str, Check]:
        of = self.exchange
        return {
            "server time": lambda: require(
                abs(of.fetch_time() / 1000 - time.time()) < 10, "the clock of the door is wrong"
            ),
            "instruments": lambda: require(SYMBOL in of.load_markets(True), "no such market"),
            "ticker": lambda: require(of.fetch_ticker(SYMBOL)["last"], "no last price"),
            "order book": lambda: require(of.fetch_order_book(SYMBOL)["bids"], "no bids"),
            "recent trades": lambda: require(of.fetch_trades(SYMBOL, limit=5), "no trades"),
            "candles": lambda: require(of.fetch_ohlcv(SYMBOL, "1m"), "no candles"),
            "funding history": lambda: of.fetch_funding_rate_history(SYMBOL),
            "balance": lambda: require(of.fetch_balance()["USDT"]["total"] > 0, "no balance"),
            "fee rates": lambda: require(
                of.fetch_trading_fee(SYMBOL)["taker"] == 0.00055,
                "not the fees of the schedule bybit",
            ),
            "ledger": self.ledger,
            "set leverage": self.leverage,
            "place order": lambda: require(self.place() in self.open_ids(), "the order is gone"),
            "amend order": self.amend,
            "cancel order": self.cancel,
            "cancel all orders": self.cancel_all,
            "batch of orders": self.batch,
            "open orders": lambda: require(self.place() in self.open_ids(), "the order is gone"),
            "order history": self.history,
            "executions": self.executions,
            "positions": self.positions,
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
        self.exchange.edit_order(order, SYMBOL, "limit", "buy", 0.02, price)
        require(self.exchange.fetch_open_order(order, SYMBOL)["amount"] == 0.02, "unchanged")

    def cancel(self) -> None:
        order = self.place()
        self.exchange.cancel_order(order, SYMBOL)
        require(order not in self.open_ids(), "the order is still open")

    def cancel_all(self) -> None:
        self.place()
        self.exchange.cancel_all_orders(SYMBOL)
        require(not self.open_ids(), "orders are still open")

    def batch(self) -> None:
        price = self.rest_price()
        order = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01, "price": price}
        made = self.exchange.create_orders([order, order])
        require(len({each["id"] for each in made}) == 2, "not two orders")
        self.exchange.cancel_orders([each["id"] for each in made], SYMBOL)

    def history(self) -> None:
        order = self.buy()
        found = {each["id"]: each for each in self.exchange.fetch_closed_orders(SYMBOL)}
        require(found[order]["status"] == "closed", "the order is not closed")

    def executions(self) -> None:
        order = self.buy()
        trades = self.exchange.fetch_order_trades(order, SYMBOL)
        require(round(sum(trade["amount"] for trade in trades), 3) == 0.02, "sums differ")

    def positions(self) -> None:
        self.buy()
        (held,) = self.exchange.fetch_positions([SYMBOL])
        require(held["side"] == "long" and held["contracts"] > 0, "no long position")

    def closed(self) -> None:
        self.buy()
        self.exchange.create_order(SYMBOL, "market", "sell", 0.02, params={"reduceOnly": True})
        require(self.exchange.fetch_positions_history([SYMBOL]), "no closed profits")


class CcxtStreams:
    """ccxt.pro; each check has a loop and an exchange of its own."""

    def __init__(self, venue: Venue, rest: CcxtRest) -> None:
        self._venue, self._rest = venue, rest

    def checks(self) -> dict[str, Check]:
        rest = self._rest
        return {
            "stream: order book": self.watching(self.order_book),
            "stream: trades": self.watching(lambda of: of.watch_trades(SYMBOL)),
            "stream: ticker": self.watching(lambda of: of.watch_ticker(SYMBOL)),
            "stream: candles": self.watching(lambda of: of.watch_ohlcv(SYMBOL, "1m")),
            "stream: orders": self.watching(lambda of: of.watch_orders(SYMBOL), rest.place),
            "stream: executions": self.watching(lambda of: of.watch_my_trades(SYMBOL), rest.buy),
            "stream: positions": self.watching(self.position, rest.buy),
            "stream: wallet": self.watching(lambda of: of.watch_balance(), rest.buy),
            "socket: place order": self.watching(self.place),
            "socket: amend order": self.watching(self.amend),
            "socket: cancel order": self.watching(self.cancel),
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
            exchange: Any = ccxt.pro.bybit(settings(self._venue))
            other = asyncio.create_task(acting())
            try:
                async with asyncio.timeout(WAIT_S):
                    require(await watch(exchange), "nothing arrived")
            finally:
                other.cancel()
                await exchange.close()

        return lambda: run(check())

    async def order_book(self, exchange: Any) -> bool:
        for _ in range(20):
            book = await exchange.watch_order_book(SYMBOL, 50)
            require(book["bids"][0][0] < book["asks"][0][0], "the book is crossed")
        return True

    async def position(self, exchange: Any) -> Any:
        """Await a message: the first answer is that of REST."""
        await exchange.watch_positions([SYMBOL])
        return await exchange.watch_positions([SYMBOL])

    async def place(self, exchange: Any) -> str:
        price = await asyncio.to_thread(self._rest.rest_price)
        order = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, price)
        return str(order["id"])

    async def amend(self, exchange: Any) -> Any:
        order = await self.place(exchange)
        price = await asyncio.to_thread(self._rest.rest_price)
        return await exchange.edit_order_ws(order, SYMBOL, "limit", "buy", 0.02, price)

    async def cancel(self, exchange: Any) -> Any:
        return await exchange.cancel_order_ws(await self.place(exchange), SYMBOL)


def run(check: Coroutine[Any, Any, None]) -> None:
    asyncio.run(check)
