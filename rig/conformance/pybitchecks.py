"""pybit against the door: REST, streams and the trade socket."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pybit._websocket_trading
import pybit.unified_trading
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

from rig.bookreplicas import BookReplica
from rig.conformance.matrix import Check, require, until
from rig.venues import Venue

SYMBOL: Final = "BTCUSDT"
MARKET: Final = {"category": "linear", "symbol": SYMBOL}


class PybitRest:
    """A session pointed here; each method is a check."""

    def __init__(self, venue: Venue, authority: Path | None = None) -> None:
        """With an `authority`, use TLS and nothing but the constructor to point it here."""
        keys = {"api_key": venue.key, "api_secret": venue.secret}
        if authority is None:
            self.session = HTTP(**keys)
            self.session.endpoint = venue.http
        else:
            self.session = HTTP(domain=domain_of(venue), **keys)
            self.session.client.verify = str(authority)

    def rows(self, answer: Mapping[str, Any]) -> list[Any]:
        found: list[Any] = answer["result"]["list"]
        return found

    def best(self) -> tuple[float, float]:
        (row,) = self.rows(self.session.get_tickers(**MARKET))
        return float(row["bid1Price"]), float(row["ask1Price"])

    def rest_price(self) -> str:
        """Return a price at which a buy order rests."""
        return f"{self.best()[0] * 0.97:.1f}"

    def place(self, **fields: Any) -> str:
        order = {"side": "Buy", "orderType": "Limit", "qty": "0.01", "price": self.rest_price()}
        answer = self.session.place_order(**MARKET, **(order | fields))
        return str(answer["result"]["orderId"])

    def buy(self) -> str:
        return self.place(orderType="Market", price="", qty="0.02")

    def open_ids(self) -> list[str]:
        return [row["orderId"] for row in self.rows(self.session.get_open_orders(**MARKET))]

    def checks(self) -> dict[str, Check]:
        return {
            "server time": lambda: require(
                abs(int(self.session.get_server_time()["result"]["timeSecond"]) - time.time()) < 10,
                "the clock of the door is wrong",
            ),
            "instruments": self.instruments,
            "ticker": lambda: require(self.best()[0] < self.best()[1] + 10, "no best prices"),
            "order book": self.order_book,
            "recent trades": lambda: require(
                len(self.rows(self.session.get_public_trade_history(**MARKET, limit=5))) == 5,
                "not the trades asked for",
            ),
            "candles": self.candles,
            "funding history": lambda: self.rows(self.session.get_funding_rate_history(**MARKET)),
            "balance": self.balance,
            "fee rates": lambda: require(
                self.rows(self.session.get_fee_rates(**MARKET))[0]["takerFeeRate"] == "0.00055",
                "not the fees of the schedule bybit",
            ),
            "ledger": self.ledger,
            "set leverage": self.leverage,
            "place order": lambda: require(self.place() in self.open_ids(), "the order is gone"),
            "amend order": self.amend,
            "cancel order": self.cancel,
            "cancel all orders": self.cancel_all,
            "batch of orders": self.batch,
            "open orders": lambda: require(self.place() == self.open_ids()[0], "not newest first"),
            "order history": self.history,
            "executions": self.executions,
            "positions": self.positions,
            "closed profits": self.closed,
        }

    def instruments(self) -> None:
        rows = self.rows(self.session.get_instruments_info(category="linear"))
        require(SYMBOL in [row["symbol"] for row in rows], f"{SYMBOL} is missing")

    def order_book(self) -> None:
        book = self.session.get_orderbook(**MARKET, limit=50)["result"]
        bids, asks = ([float(price) for price, _ in book[side]] for side in "ba")
        require(bids == sorted(bids, reverse=True), "bids do not descend")
        require(asks == sorted(asks), "asks do not ascend")
        require(bids[0] < asks[0], "the book is crossed")

    def candles(self) -> None:
        rows = self.rows(self.session.get_kline(**MARKET, interval=1, limit=3))
        times = [int(row[0]) for row in rows]
        require(times == sorted(times, reverse=True), "candles are not newest first")

    def balance(self) -> None:
        (row,) = self.rows(self.session.get_wallet_balance(accountType="UNIFIED"))
        require(float(row["totalEquity"]) > 0, "no equity")

    def ledger(self) -> None:
        self.buy()
        require(self.rows(self.session.get_transaction_log()), "no entries")

    def leverage(self) -> None:
        rows = self.rows(self.session.get_positions(**MARKET))
        other = "5" if rows[0]["leverage"] != "5" else "7"
        self.session.set_leverage(**MARKET, buyLeverage=other, sellLeverage=other)
        (row,) = self.rows(self.session.get_positions(**MARKET))
        require(row["leverage"] == other, f"leverage {row['leverage']}, not {other}")

    def amend(self) -> None:
        order = self.place()
        self.session.amend_order(**MARKET, orderId=order, qty="0.02")
        (row,) = self.rows(self.session.get_open_orders(**MARKET, orderId=order))
        require(row["qty"] == "0.020", f"quantity {row['qty']}")

    def cancel(self) -> None:
        order = self.place()
        self.session.cancel_order(**MARKET, orderId=order)
        require(order not in self.open_ids(), "the order is still open")

    def cancel_all(self) -> None:
        self.place()
        self.session.cancel_all_orders(**MARKET)
        require(not self.open_ids(), "orders are still open")

    def batch(self) -> None:
        order = {"symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": "0.01"}
        wanted = [{**order, "price": self.rest_price()}, {**order, "price": "x"}]
        answer = self.session.place_batch_order(category="linear", request=wanted)
        codes = [row["code"] for row in answer["retExtInfo"]["list"]]
        require(codes[0] == 0 and codes[1] != 0, f"codes {codes}")

    def history(self) -> None:
        order = self.buy()
        rows = self.rows(self.session.get_order_history(**MARKET))
        require(rows[0]["orderId"] == order, "the order is missing")
        require(rows[0]["orderStatus"] == "Filled", f"status {rows[0]['orderStatus']}")

    def executions(self) -> None:
        order = self.buy()
        rows = self.rows(self.session.get_executions(**MARKET, orderId=order))
        filled = sum(Decimal(row["execQty"]) for row in rows)
        require(filled == Decimal("0.02"), f"executions of {filled} instead of 0.02")

    def positions(self) -> None:
        self.buy()
        rows = self.rows(self.session.get_positions(category="linear", settleCoin="USDT"))
        require(float(rows[0]["size"]) > 0 and rows[0]["side"] == "Buy", "no long position")

    def closed(self) -> None:
        self.buy()
        self.place(side="Sell", orderType="Market", price="", qty="0.02", reduceOnly=True)
        require(self.rows(self.session.get_closed_pnl(**MARKET)), "no closed profits")


def domain_of(venue: Venue) -> str:
    """Return the domain that makes pybit connect here; it adds a host name and .com."""
    return f"@127.0.0.1:{venue.port}/bybit"


def tls_checks(venue: Venue, authority: Path) -> dict[str, Check]:
    """Return what shows that all three kinds of connection work over TLS."""
    os.environ["WEBSOCKET_CLIENT_CA_BUNDLE"] = str(authority)
    where = {"domain": domain_of(venue), "testnet": False}
    keys = {"api_key": venue.key, "api_secret": venue.secret}
    rest = PybitRest(venue, authority)

    def follow() -> None:
        heard: list[Any] = []
        stream = WebSocket(channel_type="linear", **where)
        stream.orderbook_stream(50, SYMBOL, heard.append)
        until(lambda: heard, "a message")
        stream.exit()

    def trade() -> None:
        replies: list[Any] = []
        trading = WebSocketTrading(**where, **keys)
        order = {"side": "Buy", "orderType": "Limit", "qty": "0.01", "price": rest.rest_price()}
        trading.place_order(replies.append, replies.append, **MARKET, **order)
        until(lambda: replies, "a reply")
        require(replies[0]["retCode"] == 0, str(replies[0]))
        trading.exit()

    checks = rest.checks()
    chosen = ("server time", "ticker", "balance", "place order", "executions")
    return {
        **{name: checks[name] for name in chosen},
        "stream: order book": follow,
        "socket: place order": trade,
    }


class PybitStreams:
    """Sockets pointed here by the constants of pybit's modules."""

    def __init__(self, venue: Venue, rest: PybitRest) -> None:
        base = f"{venue.ws}/v5"
        pybit.unified_trading.PUBLIC_WSS = base + "/public/{CHANNEL_TYPE}"
        pybit.unified_trading.PRIVATE_WSS = f"{base}/private"
        pybit._websocket_trading.TRADE_WSS = f"{base}/trade"
        keys = {"api_key": venue.key, "api_secret": venue.secret, "testnet": False}
        self._rest = rest
        self._public = WebSocket(channel_type="linear", testnet=False)
        self._private = WebSocket(channel_type="private", **keys)
        self._trading = WebSocketTrading(**keys)

    def close(self) -> None:
        for socket in (self._public, self._private, self._trading):
            socket.exit()

    def checks(self) -> dict[str, Check]:
        public, private = self._public, self._private
        return {
            "stream: order book": self.order_book,
            "stream: trades": self.seen(lambda heard: public.trade_stream(SYMBOL, heard)),
            "stream: ticker": self.seen(lambda heard: public.ticker_stream(SYMBOL, heard)),
            "stream: candles": self.seen(lambda heard: public.kline_stream(1, SYMBOL, heard)),
            "stream: orders": self.seen(private.order_stream, self._rest.place),
            "stream: executions": self.seen(private.execution_stream, self._rest.buy),
            "stream: positions": self.seen(private.position_stream, self._rest.buy),
            "stream: wallet": self.seen(private.wallet_stream, self._rest.buy),
            "socket: place order": self.place,
            "socket: amend order": self.amend,
            "socket: cancel order": self.cancel,
        }

    def seen(
        self, follow: Callable[[Callable[[Any], None]], Any], act: Callable[[], Any] = lambda: None
    ) -> Check:
        """Return a check that follows a topic, does something and waits for a message."""

        def check() -> None:
            heard: list[Any] = []
            follow(heard.append)
            time.sleep(0.5)  # pybit does not say when the subscription is active
            act()
            until(lambda: heard, "a message")

        return check

    def order_book(self) -> None:
        """pybit's own book must be that of a strict replica."""
        replica = BookReplica()
        books: list[Any] = []
        handle = self._public._handle_incoming_message

        def both(message: dict[str, Any]) -> None:
            if str(message.get("topic", "")).startswith("orderbook.50."):
                replica.apply(message)
            handle(message)

        self._public.callback = both
        self._public.orderbook_stream(50, SYMBOL, books.append)
        until(lambda: len(books) > 20, "20 messages")
        require(replica.messages > 20, "the messages were not applied")

    def ask(self, operation: Callable[..., Any], **fields: Any) -> dict[str, Any]:
        """Send an operation over the trade socket; return its reply."""
        done, replies = threading.Event(), []

        def heard(reply: dict[str, Any]) -> None:
            replies.append(reply)
            done.set()

        operation(heard, **MARKET, **fields)
        require(done.wait(30), "no reply")
        reply: dict[str, Any] = replies[0]
        require(reply["retCode"] == 0, str(reply))
        return reply

    def place(self) -> str:
        order = {"side": "Buy", "orderType": "Limit", "qty": "0.01"}
        reply = self.ask(self._trading.place_order, **order, price=self._rest.rest_price())
        return str(reply["data"]["orderId"])

    def amend(self) -> None:
        self.ask(self._trading.amend_order, orderId=self.place(), qty="0.02")

    def cancel(self) -> None:
        self.ask(self._trading.cancel_order, orderId=self.place())
