"""Clients of the Bybit door for tests in this process."""

import json
import time
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from exchange.accounts.opening import create_key, open_account
from exchange.kinds import MONEY_UNITS
from exchange.models import Account
from instruments.models import Instrument
from rig.histories import make_instrument, make_ticks, record
from venues.bybit.rest.answering import Rest
from venues.bybit.signing import request_text, signature
from venues.doors.http import Answer, Request

MARK = 650_000
"""Ticks of BTCUSDT: 65000.0."""
CREATE = "/v5/order/create"
LIMIT = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit",
         "qty": "0.010", "price": "64990"}  # fmt: skip


def listed(symbol: str = "BTCUSDT", trades: int = 2) -> Instrument:
    """Return a linear perpetual with a book, and three quotes of MARK ticks."""
    instrument = make_instrument(symbol, "0.1")
    instrument.lot_size, instrument.currency = Decimal("0.001"), "USDT"
    instrument.has_book = True
    instrument.save()
    ticks = make_ticks(instrument, 3)
    ticks["ticks"] = MARK
    record(ticks, trades=trades)
    return instrument


class Client:
    """A program with an API key."""

    def __init__(
        self, account: Account | None = None, rest: Rest | None = None, *, can_trade: bool = True
    ) -> None:
        self.account = account or open_account(name="bot", balance=100_000 * MONEY_UNITS)
        made = create_key(self.account, can_trade=can_trade)
        self.key, self.secret = made.key.key, made.secret
        self.rest = rest or Rest()

    def get(self, path: str, **query: Any) -> Any:
        """Return the body of the answer to a signed GET."""
        return body_of(self.send("GET", path, query=urlencode(query)))

    def post(self, path: str, **body: Any) -> Any:
        """Return the body of the answer to a signed POST."""
        return body_of(self.send("POST", path, body=json.dumps(body).encode()))

    def send(self, method: str, path: str, *, query: str = "", body: bytes = b"") -> Answer:
        return self.rest(self.signed(method, path, query=query, body=body))

    def signed(
        self, method: str, path: str, *, query: str = "", body: bytes = b"", age_ms: int = 0
    ) -> Request:
        stamp = str(time.time_ns() // 1_000_000 - age_ms)
        sent = query.encode() if method == "GET" else body
        headers = {
            "x-bapi-api-key": self.key,
            "x-bapi-timestamp": stamp,
            "x-bapi-recv-window": "5000",
            "x-bapi-sign": signature(self.secret, request_text(stamp, self.key, "5000", sent)),
        }
        return Request(
            method=method, path=path, query=query.encode(), headers=headers, body=body, address="a"
        )

    def create(self, **changes: Any) -> str:
        """Place an order and return its id."""
        answer = self.post(CREATE, **LIMIT | changes)
        assert answer["retCode"] == 0, answer
        order: str = answer["result"]["orderId"]
        return order


def public(path: str, **query: Any) -> Any:
    """Return the body of the answer to a GET without a key."""
    return body_of(Rest()(Request(method="GET", path=path, query=urlencode(query).encode())))


def body_of(answer: Answer) -> Any:
    return json.loads(answer.body)
