"""A market maker in ccxt that reads the order book itself and trusts nothing.

It checks the numbers of the book's messages and reads the book again after a hole, signs with the
venue's clock, waits while the venue is closed or silent, and repeats a request, under the same
`orderLinkId`, that something other than the venue has answered.
"""

import asyncio
import contextlib
import json
import os
import sys
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt.async_support as ccxt
from ccxt_settings import settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

SYMBOL, NAME, QUANTITY, DISTANCE, TICK = "BTC/USDT:USDT", "BTCUSDT", 0.01, 3, 0.1
TOPIC = f"orderbook.50.{NAME}"
PATIENCE_S = 120
SILENT_S, MOST_DELTAS = 5, 20
"""Reconnect after this silence; subscribe again after so many deltas without a snapshot."""
LATER = (ccxt.NetworkError, ccxt.RateLimitExceeded, ccxt.ExchangeNotAvailable, ccxt.InvalidNonce)


class Book:
    """The best 50 levels of each side, or nothing while they are unknown."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[float, float]] | None = None
        self.update = self.ignored = self.holes = 0

    async def follow(self, url: str) -> None:
        """Follow the book for ever; connect again whenever the connection ends."""
        while True:
            with contextlib.suppress(WebSocketException, OSError):  # TimeoutError is an OSError
                async with connect(url) as socket:
                    await self.read(socket)
            self.forget()
            await asyncio.sleep(0.5)

    async def read(self, socket: ClientConnection) -> None:
        await self.say(socket, "subscribe")
        while True:
            message = parsed(await asyncio.wait_for(socket.recv(), SILENT_S))
            if message.get("topic") == TOPIC and not self.take(message["type"], message["data"]):
                self.holes += 1
                self.forget()
                await self.say(socket, "unsubscribe")
                await self.say(socket, "subscribe")

    async def say(self, socket: ClientConnection, op: str) -> None:
        await socket.send(json.dumps({"op": op, "args": [TOPIC]}))

    def forget(self) -> None:
        self.sides, self.update, self.ignored = None, 0, 0

    def take(self, kind: str, data: dict[str, Any]) -> bool:
        """Apply a message; return False if messages before it are missing."""
        if kind == "snapshot" or data["u"] == 1:
            self.sides = {"b": {}, "a": {}}
        elif self.sides is None:
            self.ignored += 1  # of the book before; the snapshot follows, unless it was lost
            return self.ignored < MOST_DELTAS
        elif data["u"] != self.update + 1:
            return False
        self.update = data["u"]
        for name, levels in self.sides.items():
            for price, size in data[name]:
                levels[float(price)] = float(size)
                if not float(size):
                    del levels[float(price)]
        return True

    def best(self) -> tuple[float, float] | None:
        """Return best bid and ask, None while they are unknown."""
        if not self.sides or not all(self.sides.values()):
            return None
        return max(self.sides["b"]), min(self.sides["a"])


def parsed(text: str | bytes) -> dict[str, Any]:
    """Return a message; an empty one for what is no message of the venue."""
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


class Venue(ccxt.bybit):  # type: ignore[misc]  # mypy does not read ccxt
    """Bybit; an answer of something else, e.g. of a proxy, is no answer."""

    def handle_errors(
        self, code: int, reason: str, url: str, method: str, headers: Any, body: str,
        response: Any, *request: Any,
    ) -> Any:  # fmt: skip
        if not isinstance(response, dict) or "retCode" not in response:
            raise ccxt.ExchangeNotAvailable(f"HTTP {code}, but no answer of Bybit: {body[:80]!r}")
        return super().handle_errors(code, reason, url, method, headers, body, response, *request)


class Maker:
    def __init__(self) -> None:
        given = settings()
        given["options"]["adjustForTimeDifference"] = True
        self.exchange = Venue(given)
        self.book, self.waits = Book(), 0
        self.fills: dict[tuple[str, str], tuple[str, float]] = {}
        self.orders: dict[str, tuple[str, float]] = {}
        self.links: list[str] = []

    async def sure(self, request: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Send a request until it is answered; None if an earlier attempt, or the market, won."""
        until = asyncio.get_running_loop().time() + PATIENCE_S
        is_repeat = False
        while asyncio.get_running_loop().time() < until:
            try:
                return await request(*arguments)
            except ccxt.OrderNotFound:
                return None
            except LATER as error:
                self.waits += 1
                if isinstance(error, ccxt.InvalidNonce):
                    with contextlib.suppress(*LATER):
                        await self.exchange.load_time_difference()
                await asyncio.sleep(0.2)
            except ccxt.InvalidOrder as error:
                if is_repeat and "110072" in str(error):
                    return None
                raise
            is_repeat = True
        raise SystemExit(f"no answer within {PATIENCE_S} s")

    async def place(
        self, kind: str, side: str, size: float, price: float | None, **params: Any
    ) -> str:
        """Place an order under a name of its own, and return the name."""
        link = uuid.uuid4().hex
        self.links.append(link)
        params["orderLinkId"] = link
        await self.sure(self.exchange.create_order, SYMBOL, kind, side, size, price, params)
        return link

    async def quote(self, side: str, price: float) -> None:
        """Keep one order on a side at a price."""
        price = round(price, 1)
        order, at = self.orders.get(side, (None, None))
        if at == price:
            return
        if order is not None:
            await self.sure(self.exchange.cancel_order, None, SYMBOL, {"orderLinkId": order})
        self.orders[side] = await self.place("limit", side, QUANTITY, price, postOnly=True), price

    async def run(self, seconds: float) -> dict[str, Any]:
        await self.sure(self.exchange.load_markets)
        url = os.environ["BYBIT_URL"].replace("http", "ws", 1) + "/v5/public/linear"
        following = asyncio.create_task(self.book.follow(url))
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            if best := self.book.best():
                await self.quote("buy", best[0] - DISTANCE * TICK)
                await self.quote("sell", best[1] + DISTANCE * TICK)
            await asyncio.sleep(0.2)
        following.cancel()
        await self.sure(self.exchange.cancel_all_orders, SYMBOL)
        if position := await self.position():
            side = "sell" if position > 0 else "buy"
            await self.place("market", side, abs(position), None, reduceOnly=True)
        return {
            "position": await self.position(),
            "executions": len(self.fills),
            "links": self.links,
            "holes": self.book.holes,
            "waits": self.waits,
        }

    async def position(self) -> float:
        for trade in await self.sure(self.exchange.fetch_my_trades, SYMBOL, None, 100):
            self.fills[trade["id"], trade["order"]] = (trade["side"], trade["amount"])
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
