"""Stream clients that reconnect after every disconnect and resume from their last seq."""

import asyncio
import contextlib
import json
import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from rig.tickledger import TickLedger

RECONNECT_S = 0.2
CONNECT_S = 30.0
SILENCE_S = 45.0
"""Reconnect if a stream is silent for this long."""
LOST = (OSError, EOFError, WebSocketException)


class UnavailableError(OSError):
    """The server refuses the stream for now."""


class Watcher(ABC):
    """Follows the quotes of `ledgers` on random `ports`, optionally reconnecting at random."""

    way = ""

    def __init__(
        self,
        ports: Sequence[int],
        ledgers: dict[str, TickLedger],
        chance: random.Random,
        stay_s: float | None = None,
    ) -> None:
        """`stay_s`: mean length of a connection; None: until the server closes it."""
        self.ledgers = ledgers
        self.connections = 0
        self.left = 0
        self.lost: Counter[str] = Counter()
        self.slowest_s = 0.0
        self._ports = ports
        self._chance = chance
        self._stay_s = stay_s

    @abstractmethod
    def frames(self, port: int) -> contextlib.AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Open a stream that resumes after the last seq of each ledger."""

    @property
    def topics(self) -> list[str]:
        return [f"quotes.{symbol}" for symbol in self.ledgers]

    @property
    def since(self) -> dict[str, int]:
        return {symbol: ledger.last for symbol, ledger in self.ledgers.items()}

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.visit()

    async def visit(self) -> None:
        """Connect once and read until the stream ends or the visit is over."""
        stay_s = self._chance.expovariate(1 / self._stay_s) if self._stay_s else None
        try:
            async with asyncio.timeout(stay_s) as stay:
                async with self.frames(self._chance.choice(self._ports)) as frames:
                    self.connections += 1
                    await self._read(frames)
        except LOST as error:
            if stay.expired():
                self.left += 1
            else:
                self.lost[type(error).__name__] += 1
                await asyncio.sleep(RECONNECT_S)

    async def _read(self, frames: AsyncIterator[dict[str, Any]]) -> None:
        heard = time.monotonic()
        async for frame in frames:
            now = time.monotonic()
            self.slowest_s = max(self.slowest_s, now - heard)
            heard = now
            if frame.get("op") == "error":
                raise UnavailableError(frame["detail"])
            if "topic" in frame:
                self.ledgers[frame["topic"].partition(".")[2]].take(frame)

    def has(self, last_seqs: dict[str, int]) -> bool:
        """Tell whether every ledger has reached its seq in `last_seqs`."""
        return all(ledger.last >= last_seqs[name] for name, ledger in self.ledgers.items())


class SocketWatcher(Watcher):
    """Uses WebSocket; half of its visits request batches, half end with a TCP reset."""

    way = "WebSocket"

    @contextlib.asynccontextmanager
    async def frames(self, port: int) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        socket = await connect(
            f"ws://127.0.0.1:{port}/ws/v1/stream",
            open_timeout=CONNECT_S,
            ping_interval=SILENCE_S / 2,
            ping_timeout=SILENCE_S / 2,
            close_timeout=1,
            compression=None,
        )
        batch = self._chance.random() < 0.5
        try:
            request = {"op": "subscribe", "args": self.topics, "since": self.since, "batch": batch}
            await socket.send(json.dumps(request))
            yield self._parsed(socket)
        finally:
            if self._chance.random() < 0.5:
                socket.transport.abort()
            await socket.close()

    async def _parsed(self, socket: Any) -> AsyncIterator[dict[str, Any]]:
        async for text in socket:
            message = json.loads(text)
            for frame in message if isinstance(message, list) else [message]:
                yield frame
        raise EOFError


class EventWatcher(Watcher):
    """Uses server-sent events."""

    way = "SSE"

    @contextlib.asynccontextmanager
    async def frames(self, port: int) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        place = ",".join(f"{symbol}:{seq}" for symbol, seq in self.since.items())
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        try:
            path = f"/api/v1/stream/?topics={','.join(self.topics)}"
            lines = [f"GET {path} HTTP/1.0", "Host: localhost", f"Last-Event-ID: {place}", "", ""]
            writer.write("\r\n".join(lines).encode())
            status = await within(SILENCE_S, reader.readline())
            if b" 200 " not in status:
                raise UnavailableError(status.decode().strip() or "closed")
            yield self._parsed(reader)
        finally:
            writer.transport.abort()

    async def _parsed(self, reader: asyncio.StreamReader) -> AsyncIterator[dict[str, Any]]:
        while line := await within(SILENCE_S, reader.readline()):
            if line.startswith(b"data: ") and line.endswith(b"\n"):
                yield json.loads(line.removeprefix(b"data: "))
        raise EOFError


async def within(seconds: float, what: Awaitable[bytes]) -> bytes:
    """Await `what`; raise EOFError after `seconds` of silence."""
    try:
        async with asyncio.timeout(seconds):
            return await what
    except TimeoutError:
        raise EOFError("silence") from None
