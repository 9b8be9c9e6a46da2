"""A market maker in pybit: one order on each side of the market, moved as the market moves."""

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import pybit.unified_trading
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP, WebSocket
from requests.exceptions import RequestException

URL, KEY, SECRET = (os.environ[f"BYBIT_{name}"] for name in ("URL", "KEY", "SECRET"))
MARKET = {"category": "linear", "symbol": "BTCUSDT"}
QUANTITY, DISTANCE, TICK = 0.01, 3, 0.1
UNKNOWN = (RequestException, FailedRequestError)
"""After these, nobody knows whether a request was executed."""
USED, GONE = (110072,), (110001, 110008, 110010)
ATTEMPTS = 30


class Maker:
    def __init__(self) -> None:
        self.session = HTTP(api_key=KEY, api_secret=SECRET, recv_window=10_000)
        self.session.endpoint = URL
        self.fills: dict[tuple[str, str], tuple[str, float]] = {}
        self.states: dict[str, tuple[int, str]] = {}
        self.orders: dict[str, tuple[str, str]] = {}
        self.links: list[str] = []
        sockets = URL.replace("http", "ws", 1)
        pybit.unified_trading.PRIVATE_WSS = f"{sockets}/v5/private"
        self.stream = WebSocket(
            channel_type="private", testnet=False, api_key=KEY, api_secret=SECRET,
            retries=0, private_auth_expire=30,
        )  # fmt: skip
        self.stream.execution_stream(self.note_fills)
        self.stream.order_stream(self.note_orders)

    def note_fills(self, message: dict[str, Any]) -> None:
        """Count each execution once: it may be reported twice, or late."""
        for row in message["data"]:
            self.fills[row["execId"], row["orderId"]] = (row["side"], float(row["execQty"]))

    def note_orders(self, message: dict[str, Any]) -> None:
        """Keep the newest state of each order: messages may come twice, or late."""
        for row in message["data"]:
            state = (int(row["updatedTime"]), row["orderStatus"])
            self.states[row["orderId"]] = max(state, self.states.get(row["orderId"], (0, "")))

    def sure(self, request: Callable[..., Any], **fields: Any) -> Any:
        """Send a request until it is answered, and return the answer; None if it is too late."""
        for attempt in range(ATTEMPTS):
            try:
                return request(**MARKET, **fields)
            except UNKNOWN:
                time.sleep(0.1)
            except InvalidRequestError as error:
                if error.status_code in (*GONE, *(USED if attempt else ())):
                    return None  # done by an earlier attempt, or nothing is left to do
                if error.status_code not in (10002, 10006, 10016):
                    raise
                time.sleep(0.3)
        raise SystemExit(f"no answer after {ATTEMPTS} attempts")

    def best(self) -> tuple[float, float]:
        row = self.sure(self.session.get_tickers)["result"]["list"][0]
        return float(row["bid1Price"]), float(row["ask1Price"])

    def quote(self, side: str, price: float) -> None:
        """Keep one order on a side at a price."""
        text = f"{price:.1f}"
        link, at = self.orders.get(side, (None, None))
        if link is not None and at == text:
            return
        if link is not None:
            self.sure(self.session.cancel_order, orderLinkId=link)
        kind = {"orderType": "Limit", "timeInForce": "PostOnly"}
        link = self.place(side, str(QUANTITY), **kind, price=text)
        self.orders[side] = link, text

    def place(self, side: str, size: str, **fields: Any) -> str:
        """Place an order under a name of its own, and return the name."""
        link = uuid.uuid4().hex
        self.links.append(link)
        self.sure(self.session.place_order, side=side, qty=size, orderLinkId=link, **fields)
        return link

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            bid, ask = self.best()
            self.quote("Buy", bid - DISTANCE * TICK)
            self.quote("Sell", ask + DISTANCE * TICK)
            time.sleep(0.2)
        self.sure(self.session.cancel_all_orders)

    def report(self) -> dict[str, Any]:
        """Ask for the executions that no message has brought, and close the position."""
        position = self.position()
        if position:
            side = "Sell" if position > 0 else "Buy"
            self.place(side, f"{abs(position):.3f}", orderType="Market", reduceOnly=True)
        return {
            "position": self.position(),
            "executions": len(self.fills),
            "links": self.links,
        }

    def position(self) -> float:
        cursor = ""
        while True:
            page = self.sure(self.session.get_executions, limit=100, cursor=cursor)["result"]
            self.note_fills({"data": page["list"]})
            cursor = page["nextPageCursor"]
            if not cursor:
                break
        signs = {"Buy": 1, "Sell": -1}
        return round(sum(signs[side] * size for side, size in self.fills.values()), 3)


if __name__ == "__main__":
    maker = Maker()
    maker.run(float(sys.argv[1]) if len(sys.argv) > 1 else 30)
    print(json.dumps(maker.report()), flush=True)
    maker.stream.exit()
