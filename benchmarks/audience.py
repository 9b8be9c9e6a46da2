"""Clients of the stream by the thousand: what each is sent is counted by seq and timed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from rig.rawsockets import RawSocket, RawSockets

PATH = "/ws/v1/stream"
Block = tuple[str, int, int, int]
"""Symbol, first and last seq, epoch milliseconds of the last."""


@dataclass
class Arrivals:
    """Every message of all sockets: when it came, and which one it was."""

    messages: list[tuple[Block, ...]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    missing: int = 0
    duplicates: int = 0
    gaps: int = 0
    errors: int = 0

    @property
    def ticks(self) -> int:
        sizes = [sum(last - first + 1 for _, first, last, _ in m) for m in self.messages]
        return int(np.array(sizes)[self.numbers].sum()) if sizes else 0

    def latencies(
        self, born: Callable[[str, NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return seconds from `born(symbol, seqs, epoch ms)` to the arrival, of each block."""
        times, numbers = np.array(self.times), np.array(self.numbers)
        order = np.argsort(numbers, kind="stable")
        starts = np.searchsorted(numbers[order], np.arange(len(self.messages) + 1))
        of: dict[str, list[tuple[int, int, NDArray[np.float64]]]] = {}
        for number, message in enumerate(self.messages):
            came = times[order[starts[number] : starts[number + 1]]]
            for symbol, _, last, at in message:
                of.setdefault(symbol, []).append((last, at, came))
        late = []
        for symbol, rows in of.items():
            counts = [len(came) for _, _, came in rows]
            seqs, ats = np.array([(seq, at) for seq, at, _ in rows]).T
            births = np.repeat(born(symbol, seqs, ats), counts)
            late.append(np.concatenate([came for _, _, came in rows]) - births)
        return np.concatenate(late) if late else np.array([])


class Audience:
    """Sockets that follow the same topics; `arrivals` is what came since `start`."""

    def __init__(self, sockets: RawSockets, host: str, port: int) -> None:
        self.arrivals = Arrivals()
        self._sockets = sockets
        self._host = host
        self._port = port
        self._seqs: dict[RawSocket, dict[str, int]] = {}
        self._blocks: dict[bytes, int] = {}

    def open(self, count: int, symbols: list[str], batch: bool) -> None:
        """Open so many sockets and subscribe each to the quotes of all symbols."""
        wanted: dict[str, Any] = {"op": "subscribe", "args": [f"quotes.{s}" for s in symbols]}
        text = json.dumps(wanted | ({"batch": True} if batch else {})).encode()
        for _ in range(count):
            sock = self._sockets.add(RawSocket(self._port, PATH, host=self._host))
            self._seqs[sock] = {}
            sock.send(text)
            self._sockets.read(self._take, lambda: False, 0.001)

    def wait_until_subscribed(self, symbols: int, timeout_s: float) -> None:
        """Read until each socket has had a tick of each symbol."""

        def all_have() -> bool:
            return all(len(seqs) == symbols for seqs in self._seqs.values())

        for _ in range(int(timeout_s)):
            self._sockets.read(self._take, lambda: False, 1)
            if all_have():
                return
        raise TimeoutError(f"not everyone was subscribed after {timeout_s} s")

    def watch(self, seconds: float) -> float:
        """Forget what came, count for so many seconds; return how busy we were (0 to 1)."""
        self.arrivals, self._blocks = Arrivals(), {}
        return self._sockets.read(self._take, lambda: False, seconds)

    @property
    def closed(self) -> int:
        return sum(sock.closed for sock in self._sockets.all)

    def _take(self, sock: RawSocket, payload: bytes, arrived: float) -> None:
        arrivals = self.arrivals
        if payload not in self._blocks:  # all sockets are sent the same
            if (number := self._number(payload)) is None:
                return
            self._blocks[payload] = number
        number = self._blocks[payload]
        arrivals.times.append(arrived)
        arrivals.numbers.append(number)
        seqs = self._seqs[sock]
        for symbol, first, last, _ in arrivals.messages[number]:
            before = seqs.get(symbol, first - 1)
            if first > before + 1:
                arrivals.missing += first - before - 1
            elif first <= before:
                arrivals.duplicates += min(last, before) - first + 1
            seqs[symbol] = max(last, before)

    def _number(self, payload: bytes) -> int | None:
        """Return the number of this message among those with ticks; None where it has none."""
        message = orjson.loads(payload)
        blocks = []
        for frame in message if isinstance(message, list) else [message]:
            if frame.get("type") == "ticks":
                rows = frame["data"]
                symbol = frame["topic"].partition(".")[2]
                blocks.append((symbol, rows[0][0], rows[-1][0], rows[-1][1]))
            self.arrivals.gaps += frame.get("type") in ("gap", "reset")
            self.arrivals.errors += frame.get("op") == "error"
        if not blocks:
            return None
        self.arrivals.messages.append(tuple(blocks))
        return len(self.arrivals.messages) - 1
