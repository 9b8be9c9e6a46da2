"""REST and WebSocket load for Locust.

    .venv/bin/locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000

The web interface is on http://127.0.0.1:8089; to run without it, add --headless -u 50 -r 10 -t 1m.
Readers request tables like a chart or a notebook. Watchers follow every instrument over WebSocket
and report a failure for each missing or duplicate tick.
"""

import random
from typing import Any

from locust import HttpUser, between, task

from benchmarks.followers import Follower

API = "/api/v1/instruments/"


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


class Watcher(Follower):
    """Follows the quotes of all instruments."""

    def on_start(self) -> None:
        self.last: dict[str, int] = {}

    def request(self) -> dict[str, Any]:
        since = {topic.removeprefix("quotes."): seq for topic, seq in self.last.items()}
        return {"op": "subscribe", "args": ["quotes.*"], "since": since, "batch": True}

    def take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "ticks":
            self.go_on(frame["topic"], frame["data"][0][0], frame["data"][-1][0])
        elif frame["type"] == "gap":
            self.go_on(frame["topic"], frame["from_seq"], frame["to_seq"])

    def go_on(self, topic: str, first: int, last: int) -> None:
        before = self.last.get(topic, first - 1)
        self.last[topic] = last
        if first != before + 1:
            raise ValueError(f"{topic}: seq {first} follows seq {before}")
