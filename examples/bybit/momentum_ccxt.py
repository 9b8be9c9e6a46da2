"""A momentum bot in ccxt.pro: it buys after the price rose, and sells after it fell."""

import asyncio
import json
import sys
from collections import deque

import ccxt.pro
from ccxt_settings import settings

SYMBOL, QUANTITY, WINDOW, TICKS, TICK = "BTC/USDT:USDT", 0.01, 8, 2, 0.1


async def main(seconds: float) -> None:
    exchange = ccxt.pro.bybit(settings())
    try:
        prices: deque[float] = deque(maxlen=WINDOW)
        held = orders = 0
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            trades = await exchange.watch_trades(SYMBOL)
            prices.extend(trade["price"] for trade in trades)
            moved = (prices[-1] - prices[0]) / TICK
            wanted = 1 if moved >= TICKS else -1 if moved <= -TICKS else held
            if wanted != held:
                side, size = "buy" if wanted > held else "sell", QUANTITY * abs(wanted - held)
                await exchange.create_order_ws(SYMBOL, "market", side, size)
                held, orders = wanted, orders + 1
        if held:
            side, params = "sell" if held > 0 else "buy", {"reduceOnly": True}
            await exchange.create_order_ws(SYMBOL, "market", side, QUANTITY, None, params)
            orders += 1
        statuses = {
            each["id"]: each["status"] for each in await exchange.fetch_closed_orders(SYMBOL)
        }
        print(json.dumps({"position": 0.0, "orders": orders, "statuses": statuses}), flush=True)
    finally:
        await exchange.close()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30))
