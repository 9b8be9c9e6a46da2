"""Clients of the trading API for tests."""

import base64
import json
import time
from typing import Any

from django.test import Client

from exchange.accounts.opening import create_key, open_account
from exchange.accounts.signatures import request_text, signature
from exchange.kinds import MONEY_UNITS
from exchange.models import Account, ApiKey
from instruments.models import Instrument
from rig.histories import make_instrument, make_ticks, record

MARK = 20_000
BALANCE = 100_000
ORDERS = "/api/v1/orders/"
LIMIT = {"symbol": "ES", "side": "buy", "type": "limit", "quantity": 2, "price": 4999.5}


def listed(symbol: str = "ES") -> Instrument:
    """Return an instrument with a book, three quotes of MARK ticks and a tick size of 0.25."""
    instrument = make_instrument(symbol)
    instrument.has_book = True
    instrument.save()
    ticks = make_ticks(instrument, 3)
    ticks["ticks"] = MARK
    record(ticks)
    return instrument


class Program:
    """A client with an API key, by HTTP Basic or by signatures."""

    def __init__(self, account: Account, *, signs: bool = False, can_trade: bool = True) -> None:
        made = create_key(account, can_trade=can_trade)
        self.account, self.key, self.secret = account, made.key, made.secret
        self._signs = signs
        self._client = Client()

    def get(self, path: str, **query: Any) -> Any:
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, headers=headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.send("PATCH", path, body)

    def delete(self, path: str, **query: Any) -> Any:
        return self.send("DELETE", path, query=query)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Send a request; `body` is JSON text, or what becomes of it."""
        content = b"" if body is None else body.encode() if isinstance(body, str) else dumped(body)
        target = path + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
        return self._client.generic(
            method,
            target,
            content,
            content_type="application/json",
            headers={**self.credentials(method, target, content), **(headers or {})},
        )

    def credentials(self, method: str, target: str, content: bytes) -> dict[str, str]:
        if not self._signs:
            return basic(self.key, self.secret)
        return signed(self.key, self.secret, method, target, content)


def dumped(body: Any) -> bytes:
    return json.dumps(body).encode()


def basic(key: ApiKey | str, secret: str) -> dict[str, str]:

    pair = f"{key.key if isinstance(key, ApiKey) else key}:{secret}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def signed(
    key: ApiKey, secret: str, method: str, target: str, content: bytes, age_ms: int = 0
) -> dict[str, str]:
    timestamp = str(round(time.time() * 1000) - age_ms)
    return {
        "X-API-Key": key.key,
        "X-API-Timestamp": timestamp,
        "X-API-Signature": signature(secret, request_text(timestamp, method, target, content)),
    }


def funded(name: str = "a", balance: int = BALANCE) -> Account:
    return open_account(name=name, balance=balance * MONEY_UNITS)
