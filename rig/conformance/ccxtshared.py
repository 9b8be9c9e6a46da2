"""Checks that every door passes with ccxt and ccxt.pro; a door adds its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from rig.conformance.matrix import Check, require

WAIT_S: Final = 30.0


class CcxtRest:
    """A synchronous exchange of ccxt that trades `amount` of `symbol`."""

    def __init__(self, exchange: Any, symbol: str, amount: float) -> None:
        self.exchange = exchange
        self.symbol = symbol
        self.amount = amount

    def rest_price(self) -> float:
        return round(float(self.exchange.fetch_ticker(self.symbol)["bid"]) * 0.97, 1)

    def place(self) -> str:
        price = self.rest_price()
        order = self.exchange.create_order(self.symbol, "limit", "buy", self.amount, price)
        return str(order["id"])

    def buy(self) -> str:
        return str(self.exchange.create_order(self.symbol, "market", "buy", self.amount)["id"])

    def open_ids(self) -> list[str]:
        return [order["id"] for order in self.exchange.fetch_open_orders(self.symbol)]

    def checks(self) -> Mapping[str, Check]:
        of, symbol = self.exchange, self.symbol
        return {
            "server time": lambda: require(
                abs(of.fetch_time() / 1000 - time.time()) < 10, "the clock of the door is wrong"
            ),
            "instruments": lambda: require(symbol in of.load_markets(True), "no such market"),
            "ticker": lambda: require(of.fetch_ticker(symbol)["last"], "no last price"),
            "order book": lambda: require(of.fetch_order_book(symbol)["bids"], "no bids"),
            "recent trades": lambda: require(of.fetch_trades(symbol, limit=5), "no trades"),
            "candles": lambda: require(of.fetch_ohlcv(symbol, "1m"), "no candles"),
            "place order": lambda: require(self.place() in self.open_ids(), "the order is gone"),
            "cancel order": self.cancel,
            "cancel all orders": self.cancel_all,
            "open orders": lambda: require(self.place() in self.open_ids(), "the order is gone"),
            "order history": self.history,
            "executions": self.executions,
            "positions": self.positions,
        }

    def cancel(self) -> None:
        order = self.place()
        self.exchange.cancel_order(order, self.symbol)
        require(order not in self.open_ids(), "the order is still open")

    def cancel_all(self) -> None:
        self.place()
        self.exchange.cancel_all_orders(self.symbol)
        require(not self.open_ids(), "orders are still open")

    def history(self) -> None:
        order = self.buy()
        found = {each["id"]: each for each in self.exchange.fetch_closed_orders(self.symbol)}
        require(found[order]["status"] == "closed", "the order is not closed")

    def executions(self) -> None:
        order = self.buy()
        trades = self.exchange.fetch_order_trades(order, self.symbol)
        require(round(sum(trade["amount"] for trade in trades), 3) == self.amount, "sums differ")

    def positions(self) -> None:
        self.buy()
        (held,) = self.exchange.fetch_positions([self.symbol])
        require(held["side"] == "long" and held["contracts"] > 0, "no long position")


class CcxtStreams:
    """ccxt.pro; each check has a loop and an exchange of its own, which `opened` returns."""

    depth: int | None = None
    """Levels of the order book; None: the default of ccxt."""

    def __init__(self, opened: Callable[[], Any], rest: CcxtRest) -> None:
        self._opened, self._rest = opened, rest
        self._symbol = rest.symbol

    def checks(self) -> Mapping[str, Check]:
        rest, symbol = self._rest, self._symbol
        return {
            "stream: order book": self.watching(self.order_book),
            "stream: trades": self.watching(lambda of: of.watch_trades(symbol)),
            "stream: ticker": self.watching(lambda of: of.watch_ticker(symbol)),
            "stream: candles": self.watching(lambda of: of.watch_ohlcv(symbol, "1m")),
            "stream: orders": self.watching(lambda of: of.watch_orders(symbol), rest.place),
            "stream: executions": self.watching(lambda of: of.watch_my_trades(symbol), rest.buy),
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
            exchange = self._opened()
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
            book = await exchange.watch_order_book(self._symbol, self.depth)
            require(book["bids"][0][0] < book["asks"][0][0], "the book is crossed")
        return True
