"""Programs that send orders over plain HTTP: accounts, connections that stay open, choices."""

import base64
import contextlib
import http.client
import itertools
import json
import random
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Self
from urllib.request import urlopen

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from rig.processes import ROOT
from rig.waiting import wait_until

ANSWER_S = 30.0
RECONNECT_S = 0.2
PARALLEL = 4
MOST_OPEN = 20
"""Open orders of a program that cancels its oldest ones."""
Kind = Literal["limit", "market", "cancel"]


@dataclass(frozen=True)
class Credentials:
    """The API key of an account."""

    account: str
    key: str
    secret: str

    @property
    def header(self) -> str:
        pair = f"{self.key}:{self.secret}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


def open_accounts(env: dict[str, str], names: Sequence[str], balance: int) -> list[Credentials]:
    """Open accounts with `openaccount --json`."""

    def open_one(name: str) -> Credentials:
        command = [sys.executable, "manage.py", "openaccount", name, "--balance", str(balance)]
        made = subprocess.run(
            [*command, "--json"], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE
        )
        found = json.loads(made.stdout)
        return Credentials(found["account"], found["api_key"], found["api_secret"])

    with ThreadPoolExecutor(PARALLEL) as threads:
        return list(threads.map(open_one, names))


@dataclass(frozen=True)
class Answer:
    """What the server answered; `body` is None where it is not JSON."""

    status: int
    body: Any
    seconds: float


class OrderClient:
    """One connection of one account, opened again after errors."""

    def __init__(self, port: int, credentials: Credentials) -> None:
        self.port = port
        self.credentials = credentials
        self._connection = self._new()

    def _new(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send(self, method: str, path: str, body: Any = None, client_id: str = "") -> Answer:
        """Send a request under /api/v1/; raise OSError or HTTPException if no answer arrives."""
        headers = {"Authorization": self.credentials.header, "Content-Type": "application/json"}
        if client_id:
            headers["Idempotency-Key"] = client_id
        content = None if body is None else json.dumps(body)
        begun = time.perf_counter()
        try:
            self._connection.request(method, f"/api/v1/{path}", content, headers)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        seconds = time.perf_counter() - begun
        kind = response.getheader("Content-Type", "")
        return Answer(response.status, json.loads(text) if "json" in kind else None, seconds)


@dataclass(frozen=True)
class Market:
    """An instrument with a book."""

    symbol: str
    tick_size: Decimal
    lot_size: Decimal

    def price(self, last: float, ticks: int) -> str:
        return f"{Decimal(str(last)) + ticks * self.tick_size:f}"

    def quantity(self, lots: int) -> str:
        return f"{lots * self.lot_size:f}"


def markets(port: int) -> list[Market]:
    """Return the instruments with a book."""
    rows = json.load(urlopen(f"http://127.0.0.1:{port}/api/v1/instruments/", timeout=ANSWER_S))
    return [
        Market(row["symbol"], Decimal(str(row["tick_size"])), Decimal(str(row["lot_size"])))
        for row in rows
        if row["has_book"]
    ]


class Prices(threading.Thread):
    """Follows the newest quotes over WebSocket from `begin` to `end`; reconnects."""

    def __init__(self, ports: Sequence[int], symbols: Sequence[str]) -> None:
        super().__init__(name="prices", daemon=True)
        self.last: dict[str, float] = {}
        self._ports = itertools.cycle(ports)
        self._topics = [f"quotes.{symbol}" for symbol in symbols]
        self._ends = threading.Event()

    def begin(self) -> None:
        """Return when there is a price of each symbol."""
        self.start()
        wait_until(lambda: len(self.last) == len(self._topics), "prices")

    def end(self) -> None:
        self._ends.set()
        self.join()

    def run(self) -> None:
        while not self._ends.is_set():
            with contextlib.suppress(OSError, WebSocketException):
                self._visit(next(self._ports))
            self._ends.wait(RECONNECT_S)

    def _visit(self, port: int) -> None:
        with connect(f"ws://127.0.0.1:{port}/ws/v1/stream", close_timeout=1) as socket:
            socket.send(json.dumps({"op": "subscribe", "args": self._topics}))
            while not self._ends.is_set():
                with contextlib.suppress(TimeoutError):
                    frame = json.loads(socket.recv(timeout=RECONNECT_S))
                    if frame.get("type") == "ticks":
                        self.last[frame["topic"].partition(".")[2]] = frame["data"][-1][2]


@dataclass(frozen=True)
class Request:
    """What a program sends next."""

    kind: Kind
    method: str
    path: str
    body: Any = None


class Choices:
    """Chooses requests: limit orders near the market, market orders, cancellations."""

    def __init__(self, markets: Sequence[Market], prices: dict[str, float], seed: int) -> None:
        self._markets = list(markets)
        self._prices = prices
        self._chance = random.Random(seed)
        self._open: deque[int] = deque()

    def next(self) -> Request:
        draw = self._chance.random()
        if self._open and (draw < 0.25 or len(self._open) >= MOST_OPEN):
            return Request("cancel", "DELETE", f"orders/{self._open.popleft()}/")
        market = self._chance.choice(self._markets)
        side = self._chance.choice(("buy", "sell"))
        body: dict[str, Any] = {"symbol": market.symbol, "side": side}
        body["quantity"] = market.quantity(self._chance.randint(1, 3))
        if draw < 0.6:
            return Request("market", "POST", "orders/", body | {"type": "market"})
        away = self._chance.randint(-1, 8) * (-1 if side == "buy" else 1)
        price = market.price(self._prices[market.symbol], away)
        return Request("limit", "POST", "orders/", body | {"type": "limit", "price": price})

    def note(self, request: Request, answer: Answer) -> None:
        """Note an order that rests, to cancel it later."""
        if request.kind == "limit" and answer.status == 201 and answer.body["state"] == "new":
            self._open.append(answer.body["id"])
