"""Load of the order-flow page for Locust: its requests, and its topics.

    .venv/bin/locust -f benchmarks/locustflow.py --host http://127.0.0.1:8000

Visitors open the page of an instrument with a book, scroll back, come back later, and read what
they do not hold. They report a failure if clusters are missing, come twice, or do not add up to
their volume. Followers receive clusters, trades and the book, and report what is out of sequence.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from math import isclose
from typing import Any

from locust import HttpUser, between, task

from benchmarks.followers import Follower

INSTRUMENTS = "/api/v1/instruments/"
BOOKS = ("ES", "EURUSD", "BTC-PERPETUAL", "BTCUSDT", "ETHUSDT", "SOLUSDT")
"""Instruments of `seedinstruments` that have a book."""
TIMEFRAME = "1m"
MINUTE_MS = 60_000
BARS = 500
"""Clusters that the page loads at a time."""
HELD = 40
"""Most stretches that it names in a request."""
NEWEST_TRADES = 500


class WrongError(ValueError):
    """An answer contradicts an earlier one, or itself."""


class Visitor(HttpUser):
    """Does what the page does, with a cache of its own; see `Bars`."""

    wait_time = between(1, 3)

    def on_start(self) -> None:
        self.bars = Bars()
        self.open_page()

    def open_page(self) -> None:
        self.symbol = random.choice(BOOKS)
        self.bars = Bars()
        self.client.get(f"/instruments/{self.symbol}/orderflow/", name="page")
        self.sync(limit=BARS)
        self.study()

    @task(1)
    def change_instrument(self) -> None:
        self.open_page()

    @task(4)
    def scroll_back(self) -> None:
        end = self.bars.first
        if end is None:
            return
        self.sync(start=end - BARS * MINUTE_MS, end=end, limit=BARS)

    @task(4)
    def come_back(self) -> None:
        """Read what was added since; all else is held."""
        self.sync(limit=BARS)

    @task(2)
    def study(self) -> None:
        """Read what is drawn beside the clusters of the visible range."""
        if self.bars.first is None:
            return
        end = self.bars.last + MINUTE_MS
        span = {"start": max(self.bars.first, end - 60 * MINUTE_MS), "end": end}
        self.read("profile", **span)
        self.read("heatmap", **span, columns=500)
        self.read("trades", limit=NEWEST_TRADES)
        self.read("depth", percent=0.5)

    def sync(self, **query: int) -> None:
        """Read clusters that are not held, until the span is complete."""
        sent = {"timeframe": TIMEFRAME, "step": "auto", **query}
        is_more = True
        while is_more:
            is_more = False
            with self.checked("footprint/sync", **sent, held=self.bars.held_text) as answer:
                self.bars.add(answer)
                is_more = bool(answer["rows"]) and not answer["complete"]

    def read(self, address: str, **query: Any) -> None:
        with self.checked(address, **query):
            pass

    @contextmanager
    def checked(self, address: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield an answer; a failure is reported for an error, and where WrongError is raised."""
        path = f"{INSTRUMENTS}{self.symbol}/{address}/"
        query = {name: value for name, value in query.items() if value != ""}
        with self.client.get(path, params=query, name=address, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {answer.text[:200]}")
                yield {"rows": [], "held": [], "stale": [], "open": None, "complete": True}
                return
            try:
                yield answer.json()
            except WrongError as error:
                answer.failure(str(error))


class Bars:
    """The closed clusters that a page holds, and which stretches of time they cover."""

    def __init__(self) -> None:
        self.held: list[list[int]] = []
        self.rows: dict[int, list[Any]] = {}

    @property
    def held_text(self) -> str:
        return ",".join("-".join(map(str, part)) for part in self.held[-HELD:])

    @property
    def first(self) -> int | None:
        return min(self.rows, default=None)

    @property
    def last(self) -> int:
        return max(self.rows)

    def add(self, answer: dict[str, Any]) -> None:
        """Add what was missing; raise WrongError unless it was, and adds up."""
        for start, end in answer["stale"]:
            self.rows = {at: row for at, row in self.rows.items() if not start <= at < end}
        columns = answer.get("columns", [])
        for values in answer["rows"]:
            row = dict(zip(columns, values, strict=True))
            if row["opened_at"] in self.rows:
                raise WrongError(f"the cluster of {row['opened_at']} was held already")
            traded = sum(sold + bought for _, sold, bought, _ in row["clusters"])
            if not isclose(traded, row["volume"], rel_tol=1e-9):
                raise WrongError(f"cells of {row['opened_at']} hold {traded}, not {row['volume']}")
            self.rows[row["opened_at"]] = values
        self.held = answer["held"][-HELD:] or self.held


class PageFollower(Follower):
    """Follows the topics of the page of one instrument."""

    def on_start(self) -> None:
        symbol = random.choice(BOOKS)
        self.resumable = (f"footprint.{symbol}.{TIMEFRAME}", f"trades.{symbol}")
        self.topics = [*self.resumable, f"book.{symbol}.200", f"quotes.{symbol}"]
        self.last: dict[str, int] = {}

    def request(self) -> dict[str, Any]:
        since = {topic: self.last[topic] for topic in self.resumable if topic in self.last}
        return {"op": "subscribe", "args": self.topics, "since": since}

    def take(self, frame: dict[str, Any]) -> None:
        topic, kind = frame["topic"], frame["type"]
        if kind in {"clusters", "trades"}:
            self.go_on(topic, frame["data"][0][0] - 1, frame["data"][-1][0])
        elif kind == "gap":
            self.go_on(topic, frame["from_seq"] - 1, frame["to_seq"])
        elif kind == "snapshot":
            self.last[topic] = frame["seq"]
        elif kind == "delta":
            self.go_on(topic, frame["prev_seq"], frame["seq"])

    def go_on(self, topic: str, before: int, last: int) -> None:
        expected = self.last.get(topic, before)
        self.last[topic] = last
        if before != expected:
            raise ValueError(f"{topic}: seq {before + 1} follows seq {expected}")
