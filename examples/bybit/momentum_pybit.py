"""A momentum bot in pybit: it buys after the price rose, and sells after it fell."""

import json
import os
import queue
import sys
import time
from collections import deque
from typing import Any

import pybit._websocket_trading
import pybit.unified_trading
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

URL, KEY, SECRET = (os.environ[f"BYBIT_{name}"] for name in ("URL", "KEY", "SECRET"))
MARKET = {"category": "linear", "symbol": "BTCUSDT"}
QUANTITY, WINDOW, TICKS = 0.01, 8, 2
TICK = 0.1


def main(seconds: float) -> None:
    sockets = URL.replace("http", "ws", 1)
    pybit.unified_trading.PUBLIC_WSS = sockets + "/v5/public/{CHANNEL_TYPE}"
    pybit._websocket_trading.TRADE_WSS = f"{sockets}/v5/trade"
    session = HTTP(api_key=KEY, api_secret=SECRET)
    session.endpoint = URL
    trades: queue.Queue[dict[str, Any]] = queue.Queue()
    answers: queue.Queue[dict[str, Any]] = queue.Queue()
    public = WebSocket(channel_type="linear", testnet=False)
    public.trade_stream("BTCUSDT", trades.put)
    trading = WebSocketTrading(testnet=False, api_key=KEY, api_secret=SECRET)

    def order(side: str, quantity: float, **fields: Any) -> str:
        trading.place_order(
            answers.put, answers.put, **MARKET, side=side, orderType="Market",
            qty=f"{quantity:.3f}", **fields,
        )  # fmt: skip
        answer = answers.get(timeout=30)
        if answer["retCode"]:
            raise SystemExit(f"refused: {answer}")
        return str(answer["data"]["orderId"])

    prices: deque[float] = deque(maxlen=WINDOW)
    held, orders = 0, list[str]()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            message = trades.get(timeout=1)
        except queue.Empty:
            continue
        prices.extend(float(row["p"]) for row in message["data"])
        moved = (prices[-1] - prices[0]) / TICK
        wanted = 1 if moved >= TICKS else -1 if moved <= -TICKS else held
        if wanted != held:
            orders.append(order("Buy" if wanted > held else "Sell", QUANTITY * abs(wanted - held)))
            held = wanted
    if held:
        orders.append(order("Sell" if held > 0 else "Buy", QUANTITY, reduceOnly=True))
    for socket in (public, trading):
        socket.exit()
    filled = {
        row["orderId"]: row["orderStatus"]
        for row in session.get_order_history(**MARKET, limit=50)["result"]["list"]
    }
    print(json.dumps({"position": 0.0, "orders": len(orders), "statuses": filled}), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30)
