"""A market maker in ccxt.pro: one order on each side of the market, moved as the market moves."""

import asyncio
import json
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import ccxt.pro
from ccxt_settings import settings

SYMBOL, QUANTITY, DISTANCE, TICK = "BTC/USDT:USDT", 0.01, 3, 0.1
ATTEMPTS = 30


class Maker:
    def __init__(self) -> None:
        self.exchange = ccxt.pro.bybit(settings())
        self.fills: dict[tuple[str, str], tuple[str, float]] = {}
        self.orders: dict[str, tuple[str, float]] = {}
        self.links: list[str] = []

    async def sure(self, request: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Send a request until it is answered; None if an earlier attempt, or the market, won."""
        for attempt in range(ATTEMPTS):
            try:
                return await request(*arguments)
            except ccxt.OrderNotFound:
                return None
            except ccxt.InvalidOrder as error:
                if attempt and "110072" in str(error):
                    return None
                raise
            except (ccxt.NetworkError, ccxt.ExchangeNotAvailable, ccxt.RateLimitExceeded):
                await asyncio.sleep(0.2)
        raise SystemExit(f"no answer after {ATTEMPTS} attempts")

    async def follow_fills(self) -> None:
        """Count each execution once: it may be reported twice, or late."""
        while True:
            try:
                self.note(await self.exchange.watch_my_trades(SYMBOL))
            except ccxt.NetworkError:
                await asyncio.sleep(0.2)

    def note(self, trades: Iterable[dict[str, Any]]) -> None:
        for trade in trades:
            self.fills[trade["id"], trade["order"]] = (trade["side"], trade["amount"])

    async def quote(self, side: str, price: float) -> None:
        """Keep one order on a side at a price."""
        price = round(price, 1)
        order, at = self.orders.get(side, (None, None))
        if order is not None and at == price:
            return
        if order is not None:
            params = {"orderLinkId": order}
            await self.sure(self.exchange.cancel_order, None, SYMBOL, params)
        self.orders[side] = await self.place("limit", side, QUANTITY, price, postOnly=True), price

    async def place(
        self, kind: str, side: str, size: float, price: float | None, **params: Any
    ) -> str:
        """Place an order under a name of its own, and return the name."""
        link = uuid.uuid4().hex
        self.links.append(link)
        params["orderLinkId"] = link
        await self.sure(self.exchange.create_order, SYMBOL, kind, side, size, price, params)
        return link

    async def run(self, seconds: float) -> dict[str, Any]:
        following = asyncio.create_task(self.follow_fills())
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            ticker = await self.sure(self.exchange.fetch_ticker, SYMBOL)
            await self.quote("buy", ticker["bid"] - DISTANCE * TICK)
            await self.quote("sell", ticker["ask"] + DISTANCE * TICK)
            await asyncio.sleep(0.2)
        await self.sure(self.exchange.cancel_all_orders, SYMBOL)
        following.cancel()
        if position := await self.position():
            side = "sell" if position > 0 else "buy"
            await self.place("market", side, abs(position), None, reduceOnly=True)
        return {
            "position": await self.position(),
            "executions": len(self.fills),
            "links": self.links,
        }

    async def position(self) -> float:
        """Ask for the executions that no message has brought; return their sum."""
        self.note(await self.sure(self.exchange.fetch_my_trades, SYMBOL, None, 100))
        signs = {"buy": 1, "sell": -1}
        return round(sum(signs[side] * size for side, size in self.fills.values()), 3)


async def main(seconds: float) -> None:
    maker = Maker()
    try:
        print(json.dumps(await maker.run(seconds)), flush=True)
    finally:
        await maker.exchange.close()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30))
