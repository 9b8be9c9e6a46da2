"""A trader beside an exchange that is killed: every order and every event exactly once."""

import contextlib
import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from exchange.accounts.signatures import signature, stream_text
from exchange.tests.clients import basic
from rig.databases import seeded_database_url
from rig.processes import audit, environment, free_port, manage, running, wait_for_http

pytestmark = pytest.mark.processes
ORDERS = 18
MOST_S = 120


class Trader:
    """Sends orders under client ids until each is answered; follows the private topics."""

    def __init__(self, port: int, key: str, secret: str) -> None:
        self.seen: dict[str, list[int]] = {"orders": [], "executions": []}
        self.answers: dict[str, Any] = {}
        self.enough = threading.Event()
        self._port, self._key, self._secret = port, key, secret

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of an answer; raise OSError, HTTPException while nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = basic(self._key, self._secret) | {"Content-Type": "application/json"}
        with contextlib.closing(connection):
            connection.request(method, f"/api/v1/{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def trade(self) -> None:
        for n in range(ORDERS):
            body = {"symbol": "ES", "side": ("buy", "sell")[n % 2], "type": "market",
                    "quantity": 1, "client_id": f"c{n}"}  # fmt: skip
            self.answers[f"c{n}"] = self.insist(body)
            if n >= ORDERS // 3:
                self.enough.set()

    def insist(self, body: Any) -> Any:
        """Repeat a request until it is executed."""
        until = time.monotonic() + MOST_S
        while time.monotonic() < until:
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, answer = self.request("POST", "orders/", body)
                assert status in {201, 202, 503}, answer
                if status == 201:
                    return answer
            time.sleep(0.05)
        raise TimeoutError(f"{body} was not executed")

    def follow(self, until: threading.Event) -> None:
        while not until.is_set():
            with contextlib.suppress(OSError, WebSocketException):
                self._follow(until)

    def _follow(self, until: threading.Event) -> None:
        with connect(f"ws://127.0.0.1:{self._port}/ws/v1/stream") as socket:
            expires_ms = round(time.time() * 1000) + 10_000
            signed = signature(self._secret, stream_text(expires_ms))
            socket.send(json.dumps({"op": "auth", "args": [self._key, expires_ms, signed]}))
            since = {topic: seqs[-1] if seqs else 0 for topic, seqs in self.seen.items()}
            wish = {"op": "subscribe", "args": list(self.seen), "since": since}
            socket.send(json.dumps(wish))
            while not until.is_set():
                with contextlib.suppress(TimeoutError):
                    frame = json.loads(socket.recv(timeout=0.2))
                    assert frame.get("type") not in {"gap", "reset"}, frame
                    for row in frame.get("data", []):
                        self.seen[frame["topic"]].append(row[0])


@contextlib.contextmanager
def market(env: dict[str, str], port: int) -> Iterator[subprocess.Popen[str]]:
    address = f"127.0.0.1:{port}"
    arguments = ["--serve", address, "--instruments", "ES", "--backfill", "1m"]
    with running("runsim", *arguments, env=env) as process:
        wait_for_http(f"http://{address}/livez", process)
        yield process


def test_orders_and_events_come_exactly_once_through_a_kill(tmp_path: Path) -> None:
    env = environment(seeded_database_url(tmp_path))
    opened = json.loads(manage("openaccount", "lab", "--json", env=env))
    port = free_port()
    trader = Trader(port, opened["api_key"], opened["api_secret"])
    done = threading.Event()
    threads = [
        threading.Thread(target=trader.trade),
        threading.Thread(target=trader.follow, args=(done,)),
    ]
    with market(env, port) as process:
        for thread in threads:
            thread.start()
        assert trader.enough.wait(MOST_S)
        process.kill()
    with market(env, port):
        threads[0].join()
        status, listing = trader.request("GET", "orders/?limit=all")
        _, fills = trader.request("GET", "executions/?limit=all")
        for name, answer in trader.answers.items():
            body = {key: answer[key] for key in ("symbol", "side", "type", "quantity")}
            assert trader.insist({**body, "client_id": name}) == answer
        wait_until_seen(trader, {"orders": ORDERS, "executions": len(fills["rows"])})
        done.set()
        threads[1].join()
    assert status == 200
    assert sorted(row[1] for row in listing["rows"]) == sorted(trader.answers)
    assert {row[14] for row in listing["rows"]} == {"filled"}
    assert trader.seen["orders"] == list(range(1, ORDERS + 1))
    assert trader.seen["executions"] == list(range(1, len(fills["rows"]) + 1))
    report = audit(env)
    assert (report["ok"], report["violations"], report["accounts"]) == (True, [], 1)


def wait_until_seen(trader: Trader, counts: dict[str, int]) -> None:
    until = time.monotonic() + MOST_S
    while any(len(trader.seen[topic]) < count for topic, count in counts.items()):
        assert time.monotonic() < until, trader.seen
        time.sleep(0.05)
