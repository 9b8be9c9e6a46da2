"""Orders through the door of Bybit: time from sending a limit order to its acknowledgement.

    python -m benchmarks.bybit [--seconds 60] [--rate 50]

The product runs in another process: `runsim --serve` with the live market of all instruments and
six books on SQLite. Ten accounts send orders over a connection each, `rate` per second in all, at
random moments. Their prices are far from the market, so all of them rest; each account cancels what
rests before it has 500 open orders in an instrument.
"""

import argparse
import http.client
import itertools
import json
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from benchmarks.harness import report
from benchmarks.live import Figures
from benchmarks.orders import BALANCE, Exchange, pause_of, serve
from rig.orderclients import Credentials, open_accounts
from rig.waiting import wait_until
from venues.bybit.signing import request_text, signature

ACCOUNTS: Final = 10
WARM_UP_S: Final = 5.0
SWEEP_EVERY: Final = 1_000
ORDERS: Final = (
    ("BTCUSDT", "0.001", "60000"),
    ("ETHUSDT", "0.01", "3200"),
    ("SOLUSDT", "0.1", "140"),
)


class Session:
    """A connection that stays open, with the key of an account."""

    def __init__(self, port: int, credentials: Credentials) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._credentials = credentials

    def post(self, path: str, body: dict[str, Any]) -> tuple[float, int]:
        """Return the seconds until the end of the answer, and its retCode."""
        content, stamp = json.dumps(body).encode(), str(time.time_ns() // 1_000_000)
        key = self._credentials.key
        signed = signature(self._credentials.secret, request_text(stamp, key, "5000", content))
        headers = {
            "X-BAPI-API-KEY": key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": "5000",
            "X-BAPI-SIGN": signed,
        }
        begun = time.perf_counter()
        self._connection.request("POST", f"/bybit/v5/order/{path}", content, headers)
        answer = json.loads(self._connection.getresponse().read())
        return time.perf_counter() - begun, answer["retCode"]


@dataclass
class Sent:
    seconds: list[float] = field(default_factory=list)
    codes: Counter[int] = field(default_factory=Counter)


class Program(threading.Thread):
    """Sends the orders of one account until the end."""

    def __init__(self, session: Session, per_s: float, seed: int, ends: float) -> None:
        super().__init__(daemon=True)
        self.sent = Sent()
        self._session, self._ends = session, ends
        self._pause = pause_of(per_s, seed)
        self._chance = random.Random(seed)

    def run(self) -> None:
        due = time.monotonic()
        for number in itertools.count(1):
            due += self._pause()
            if due >= self._ends:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            seconds, code = self._session.post("create", self._order())
            self.sent.codes[code] += 1
            if code == 0:
                self.sent.seconds.append(seconds)
            if number % SWEEP_EVERY == 0:
                self._session.post("cancel-all", {"category": "linear", "settleCoin": "USDT"})

    def _order(self) -> dict[str, str]:
        symbol, quantity, price = self._chance.choice(ORDERS)
        return {
            "category": "linear", "symbol": symbol, "side": "Buy", "orderType": "Limit",
            "qty": quantity, "price": price, "orderLinkId": f"b-{self._chance.getrandbits(64):x}",
        }  # fmt: skip


def run_all(sessions: list[Session], rate: float, seconds: float, seed: int) -> Sent:
    ends = time.monotonic() + seconds
    programs = [
        Program(session, rate / len(sessions), seed + n, ends) for n, session in enumerate(sessions)
    ]
    for each in programs:
        each.start()
    total = Sent()
    for each in programs:
        each.join()
        total.seconds += each.sent.seconds
        total.codes += each.sent.codes
    return total


def acknowledge(exchange: Exchange, rate: float, seconds: float) -> Figures:
    (port,) = exchange.market.ports
    names = [f"bybit {n}" for n in range(ACCOUNTS)]
    sessions = [Session(port, each) for each in open_accounts(exchange.env, names, BALANCE)]
    for symbol, quantity, price in ORDERS:
        first = {"category": "linear", "symbol": symbol, "side": "Buy", "orderType": "Limit",
                 "qty": quantity, "price": price}  # fmt: skip
        wait_until(lambda: sessions[0].post("create", first)[1] == 0, f"{symbol} trades")  # noqa: B023
    run_all(sessions, rate, WARM_UP_S, 0)
    load, cpu = os.getloadavg()[0], exchange.market.cpu_s()
    begun = time.monotonic()
    sent = run_all(sessions, rate, seconds, ACCOUNTS)
    took = time.monotonic() - begun
    p50, p99 = np.percentile(sent.seconds, [50, 99]) * 1000
    return {
        "orders/s": round(len(sent.seconds) / took, 1),
        "p50 ms": round(p50, 1),
        "p99 ms": round(p99, 1),
        "retCodes": str(dict(sent.codes)),
        "product, cores": round((exchange.market.cpu_s() - cpu) / took, 2),
        "load average before, after": f"{load:.1f}, {os.getloadavg()[0]:.1f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Orders through the door of Bybit.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=50.0, help="orders per second")
    options = parser.parse_args()
    with serve() as exchange:
        report("bybit", acknowledge(exchange, options.rate, options.seconds))


if __name__ == "__main__":
    main()
