"""Users of the gateway: streams of prices, as browsers and programs read them."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

AGAIN_S: Final = 1.0
INTERVAL_S: Final = 1
"""At which users follow a ticker."""
PATH: Final = "/api/v1/venues/deribit/connections"


@dataclass
class User:
    """What one stream received. It reads server-sent events, or a WebSocket."""

    token: str
    reads_socket: bool = False
    seqs: dict[str, list[int]] = field(default_factory=dict)
    late_ms: list[float] = field(default_factory=list)
    """From the record of a price to its arrival here."""
    notices: list[str] = field(default_factory=list)
    """States that the stream told, and gaps."""
    states: dict[str, str] = field(default_factory=dict)
    """The last state of each ticker that had one."""
    place: str = ""
    is_connected: bool = False

    async def follow(self, port: int) -> None:
        """Read, and connect again as browsers do, with Last-Event-ID."""
        lost = (OSError, EOFError, WebSocketException)
        while True:
            with contextlib.suppress(*lost):
                async for text in self._socket(port) if self.reads_socket else self._events(port):
                    self.take(json.loads(text))
            self.is_connected = False
            await asyncio.sleep(AGAIN_S)

    async def _events(self, port: int) -> AsyncIterator[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        last = f"Last-Event-ID: {self.place}\r\n" if self.place else ""
        path = f"{PATH}/{self.token}/stream/"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{last}\r\n".encode())
        try:
            while line := await reader.readline():
                self.is_connected = True
                if line.startswith(b"id: "):
                    self.place = line[4:].strip().decode()
                elif line.startswith(b"data: "):
                    yield line[6:]
        finally:
            writer.close()

    async def _socket(self, port: int) -> AsyncIterator[str | bytes]:
        since = ",".join(f"{name}:{seqs[-1]}" for name, seqs in self.seqs.items())
        address = f"ws://127.0.0.1:{port}/ws/v1/venues/deribit/{self.token}?since={since}"
        async with connect(address, open_timeout=60) as socket:
            self.is_connected = True
            async for text in socket:
                yield text

    def take(self, event: Mapping[str, Any]) -> None:
        if event["type"] == "price":
            self.seqs.setdefault(event["ticker"], []).append(event["seq"])
            self.late_ms.append(time.time() * 1_000 - event["at"])
            return
        self.notices.append(event.get("state", event["type"]))
        if "ticker" in event and "state" in event:
            self.states[event["ticker"]] = event["state"]

    @property
    def is_live(self) -> bool:
        """Return whether no ticker was last told to be stale."""
        return all(state == "live" for state in self.states.values())

    def reaches(self, last: Mapping[str, int]) -> bool:
        """Return whether the last price of each ticker has come."""
        return all((self.seqs.get(name) or [0])[-1] >= seq for name, seq in last.items())

    def is_complete(self, last: Mapping[str, int], times: Mapping[str, Mapping[int, int]]) -> bool:
        """Return whether every price up to the last came once, from the first that came on.

        `times` has the moment of each recorded price, by ticker and seq.
        """
        return self.reaches(last) and all(
            is_whole(seqs, times[name]) for name, seqs in self.seqs.items()
        )


def is_whole(seqs: Sequence[int], times: Mapping[int, int]) -> bool:
    """Return whether a stream has every price once that was due.

    Prices that come less than the interval after one that was sent are not due: a venue or a
    process that was busy may be followed by two fetches at once.
    """
    if list(seqs) != sorted(set(seqs)):
        return False
    ends = zip(seqs, [*seqs[1:], seqs[-1] + 1], strict=True)
    return all(times[end - 1] - times[begin] < INTERVAL_S * 1_000 for begin, end in ends)
