"""REST and WebSocket load for Locust.

    .venv/bin/locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000

The web interface is on http://127.0.0.1:8089; to run without it, add --headless -u 50 -r 10 -t 1m.
Readers request tables like a chart or a notebook. Watchers follow every instrument over WebSocket
and report a failure for each missing or duplicate tick.
"""

import json
import random
import time
from typing import Any

import websocket
from locust import HttpUser, User, between, events, task

API = "/api/v1/instruments/"
FRAME_S = 10.0
VISIT_S = 10.0
"""Watchers disconnect after this time, reconnect and resume."""


class Reader(HttpUser):
    """Requests history tables over REST."""

    wait_time = between(0.5, 2)

    def on_start(self) -> None:
        self.symbols = [found["symbol"] for found in self.client.get(API).json()]

    def ask(self, table: str, **parameters: Any) -> None:
        symbol = random.choice(self.symbols)
        name = f"{API}SYMBOL/{table}/"
        self.client.get(f"{API}{symbol}/{table}/", params=parameters, name=name)

    @task(4)
    def candles(self) -> None:
        self.ask("candles", timeframe=random.choice(["1m", "5m", "1h"]), limit=500)

    @task(2)
    def quotes(self) -> None:
        self.ask("quotes", since_seq=random.randrange(10_000), limit=1000)

    @task
    def regimes(self) -> None:
        self.ask("regimes")

    @task
    def instruments(self) -> None:
        self.client.get(API)


class Watcher(User):
    """Follows all instruments over WebSocket; the response time of a frame is the wait for it."""

    wait_time = between(0, 1)

    def on_start(self) -> None:
        self.last: dict[str, int] = {}

    @task
    def watch(self) -> None:
        address = self.host.replace("http", "ws", 1) + "/ws/v1/stream"
        started = time.monotonic()
        try:
            socket = websocket.create_connection(address, timeout=FRAME_S)
        except (OSError, websocket.WebSocketException) as error:
            fire("connect", started, 0, error)
            return
        fire("connect", started)
        try:
            self.follow(socket)
        finally:
            socket.close()

    def follow(self, socket: websocket.WebSocket) -> None:
        since = {topic.removeprefix("quotes."): seq for topic, seq in self.last.items()}
        request = {"op": "subscribe", "args": ["quotes.*"], "since": since, "batch": True}
        socket.send(json.dumps(request))
        ends = time.monotonic() + VISIT_S
        while (started := time.monotonic()) < ends:
            try:
                text = socket.recv()
                self.take(json.loads(text))
            except (OSError, ValueError, websocket.WebSocketException) as error:
                fire("frames", started, 0, error)
                return
            fire("frames", started, len(text))

    def take(self, message: Any) -> None:
        """Raise ValueError for missing or duplicate ticks."""
        for frame in message if isinstance(message, list) else [message]:
            if frame.get("op") == "error":
                raise ValueError(frame["detail"])
            if frame.get("type") == "ticks":
                self.go_on(frame["topic"], frame["data"][0][0], frame["data"][-1][0])
            elif frame.get("type") == "gap":
                self.go_on(frame["topic"], frame["from_seq"], frame["to_seq"])

    def go_on(self, topic: str, first: int, last: int) -> None:
        before = self.last.get(topic, first - 1)
        self.last[topic] = last
        if first != before + 1:
            raise ValueError(f"{topic}: seq {first} follows seq {before}")


def fire(name: str, started: float, length: int = 0, error: Exception | None = None) -> None:
    events.request.fire(
        request_type="WebSocket",
        name=name,
        response_time=(time.monotonic() - started) * 1000,
        response_length=length,
        exception=error,
        context={},
    )
