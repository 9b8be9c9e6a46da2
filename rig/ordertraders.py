"""Accounts that trade through faults: each repeats a request, under its client id, until answered.

A follower of each account resumes the private topics after every disconnect.
"""

import contextlib
import hashlib
import hmac
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from rig.orderclients import Answer, Choices, Credentials, OrderClient, Request

RETRY_S = 0.2
SILENT_S = 0.2
VALID_MS = 60_000
REPEATED = 0.1
"""Share of answered requests that a trader sends again, as a client does that lost the answer."""
TOPICS = ("orders", "executions")
FINAL = {200, 201, 404, 409}
TRY_AGAIN = {202, 429, 500, 502, 503, 504}


@dataclass
class Sent:
    """A request under its client id, and the first final answer to it."""

    request: Request
    order: int | None = None
    """The id of the order that the first answer named, which may have been a 202."""
    answer: Answer | None = None


@dataclass
class Trades:
    """What a trader sent by client id, how often it had to repeat, and violations."""

    sent: dict[str, Sent] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return sum(each.answer is not None for each in list(self.sent.values()))


class Trader(threading.Thread):
    """Sends `per_s` requests of one account at random moments until `ends` is set."""

    def __init__(
        self,
        ports: Sequence[int],
        credentials: Credentials,
        choices: Choices,
        chance: random.Random,
        per_s: float,
        ends: threading.Event,
    ) -> None:
        super().__init__(name=credentials.account, daemon=True)
        self.account = credentials.account
        self.trades = Trades()
        self._clients = [OrderClient(port, credentials) for port in ports]
        self._choices = choices
        self._chance = chance
        self._per_s = per_s
        self._ends = ends

    def run(self) -> None:
        with contextlib.ExitStack() as connections:
            for client in self._clients:
                connections.enter_context(client)
            due = time.monotonic()
            while not self._ends.is_set():
                due += self._chance.expovariate(self._per_s)
                self._ends.wait(max(0.0, due - time.monotonic()))
                self._trade()

    def _trade(self) -> None:
        request = self._choices.next()
        name = f"{self.account}/{len(self.trades.sent)}"
        sent = self.trades.sent[name] = Sent(request)
        answer = self._insist(name, sent)
        sent.answer = answer
        self._choices.note(request, answer)
        if self._chance.random() < REPEATED:
            again = self._insist(name, sent)
            if (again.status, again.body) != (answer.status, answer.body):
                self._complain(name, f"first {answer.body}, then {again.body}")

    def _insist(self, name: str, sent: Sent) -> Answer:
        """Repeat a request until its answer is final, at any web process."""
        while True:
            answer = self._attempt(name, sent.request)
            if answer is not None:
                self._note_order(name, sent, answer)
                if answer.status in FINAL:
                    return answer
                if answer.status not in TRY_AGAIN:
                    self._complain(name, f"{answer.status} {answer.body}")
            time.sleep(RETRY_S)

    def _attempt(self, name: str, request: Request) -> Answer | None:
        client = self._chance.choice(self._clients)
        try:
            answer = client.send(request.method, request.path, request.body, name)
        except (OSError, http.client.HTTPException) as error:
            self.trades.errors[type(error).__name__] += 1
            return None
        if answer.status not in FINAL:
            self.trades.errors[str(answer.status)] += 1
        return answer

    def _note_order(self, name: str, sent: Sent, answer: Answer) -> None:
        if answer.status not in {200, 201, 202}:
            return
        sent.order = sent.order or answer.body["id"]
        if sent.order != answer.body["id"]:
            self._complain(name, f"first order {sent.order}, then {answer.body['id']}")

    def _complain(self, name: str, text: str) -> None:
        self.trades.complaints.append(f"{name}: {text}")


class Follower(threading.Thread):
    """Follows the private topics of one account; each row must come once and in order."""

    def __init__(
        self, ports: Sequence[int], credentials: Credentials, chance: random.Random
    ) -> None:
        super().__init__(name=f"follower of {credentials.account}", daemon=True)
        self.rows: dict[str, list[list[Any]]] = {topic: [] for topic in TOPICS}
        self.connections = 0
        self.complaints: list[str] = []
        self._ports = ports
        self._credentials = credentials
        self._chance = chance
        self._ends = threading.Event()

    def seq(self, topic: str) -> int:
        rows = self.rows[topic]
        return int(rows[-1][0]) if rows else 0

    def stop(self) -> None:
        self._ends.set()
        self.join()

    def run(self) -> None:
        while not self._ends.is_set():
            with contextlib.suppress(OSError, EOFError, WebSocketException):
                self._visit(self._chance.choice(self._ports))
            self._ends.wait(RETRY_S)

    def _visit(self, port: int) -> None:
        with connect(f"ws://127.0.0.1:{port}/ws/v1/stream", close_timeout=1) as socket:
            self.connections += 1
            socket.send(json.dumps({"op": "auth", "args": signed(self._credentials)}))
            since = {topic: self.seq(topic) for topic in TOPICS}
            socket.send(json.dumps({"op": "subscribe", "args": list(TOPICS), "since": since}))
            while not self._ends.is_set():
                with contextlib.suppress(TimeoutError):
                    self._take(json.loads(socket.recv(timeout=SILENT_S)))

    def _take(self, frame: Any) -> None:
        if frame.get("op") == "error":
            raise EOFError(frame["detail"])  # e.g. the database is unavailable: try again
        if frame.get("type") in TOPICS:
            for row in frame["data"]:
                self._take_row(frame["topic"], row)
        elif "topic" in frame:
            self.complaints.append(f"{self.name}: {frame}")

    def _take_row(self, topic: str, row: list[Any]) -> None:
        if row[0] != self.seq(topic) + 1:
            self.complaints.append(f"{self.name}: {topic} {row[0]} follows {self.seq(topic)}")
        self.rows[topic].append(row)


def signed(credentials: Credentials) -> list[Any]:
    """Return the arguments of an auth message."""
    expires_ms = round(time.time() * 1000) + VALID_MS
    text = f"GET/realtime{expires_ms}".encode()
    signature = hmac.new(credentials.secret.encode(), text, hashlib.sha256).hexdigest()
    return [credentials.key, expires_ms, signature]
