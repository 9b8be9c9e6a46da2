"""Clients of the Deribit door for tests in this process."""

import itertools
import json
import time
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from exchange.accounts.opening import create_key, open_account
from exchange.accounts.signatures import signature
from exchange.kinds import MONEY_UNITS
from exchange.models import Account
from instruments.models import Instrument
from rig.histories import make_instrument, make_ticks, record
from venues.deribit.rest import ROOT, Rest
from venues.deribit.signing import request_text
from venues.doors.http import Answer, Request

MARK = 130_000
"""Ticks of BTC-PERPETUAL: 65000.0."""
NAME = "BTC-PERPETUAL"
LIMIT = {"instrument_name": NAME, "amount": 1, "type": "limit", "price": 64990}
MARKET = {"instrument_name": NAME, "amount": 1, "type": "market"}


def listed(trades: int = 2) -> Instrument:
    """Return BTC-PERPETUAL with a book, and three quotes of MARK ticks."""
    instrument = make_instrument(NAME, "0.5")
    instrument.lot_size, instrument.currency = Decimal(1), "USD"
    instrument.has_book = True
    instrument.save()
    ticks = make_ticks(instrument, 3)
    ticks["ticks"] = MARK
    record(ticks, trades=trades)
    return instrument


class Client:
    """A program with an API key that signs its requests, as ccxt does."""

    def __init__(
        self, account: Account | None = None, rest: Rest | None = None, *, can_trade: bool = True
    ) -> None:
        self.account = account or open_account(name="bot", balance=1_000_000 * MONEY_UNITS)
        made = create_key(self.account, can_trade=can_trade)
        self.key, self.secret, self.model = made.key.key, made.secret, made.key
        self.rest = rest or Rest()
        self._nonces = itertools.count(1)

    def call(self, method: str, **params: Any) -> Any:
        """Return the result of a signed GET."""
        body = body_of(self.send(method, urlencode(params)))
        assert "result" in body, body
        return body["result"]

    def refused(self, method: str, **params: Any) -> tuple[int, dict[str, str]]:
        """Return code and data of the error that answers a signed GET."""
        body = body_of(self.send(method, urlencode(params)))
        assert "error" in body, body
        return body["error"]["code"], body["error"].get("data", {})

    def send(self, method: str, query: str = "") -> Answer:
        return self.rest(self.signed(method, query))

    def signed(self, method: str, query: str = "", age_ms: int = 0) -> Request:
        stamp, nonce = str(time.time_ns() // 1_000_000 - age_ms), str(next(self._nonces))
        path = f"{ROOT}/{method}"
        uri = f"{path}?{query}" if query else path
        sig = signature(self.secret, request_text(stamp, nonce, "GET", uri, b""))
        header = f"deri-hmac-sha256 id={self.key},ts={stamp},sig={sig},nonce={nonce}"
        return Request(
            method="GET", path=path, query=query.encode(), address="a",
            headers={"authorization": header},
        )  # fmt: skip

    def buy(self, **changes: Any) -> Any:
        """Place an order and return it."""
        return self.call("private/buy", **LIMIT | changes)["order"]


def public(method: str, **params: Any) -> Any:
    """Return the body of the answer to a GET without a key."""
    query = urlencode(params).encode()
    return body_of(Rest()(Request(method="GET", path=f"{ROOT}/{method}", query=query)))


def post(body: Any, path: str = ROOT, **headers: str) -> Any:
    """Return the body of the answer to a POST."""
    request = Request(method="POST", path=path, body=json.dumps(body).encode(), headers=headers)
    return body_of(Rest()(request))


def body_of(answer: Answer) -> Any:
    return json.loads(answer.body)
