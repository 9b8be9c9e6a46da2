"""The output of one socket: live frames never wait for a client, a slow one has a backlog.

The server's `send` waits while the client is slow (daphne's by live.daphnesockets). Frames offered
meanwhile are queued up to a bound; beyond it the client gets a gap frame and is closed.
"""

import asyncio
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from live import metrics
from live.batchclock import BatchClock
from live.frames import GapFrame, Publication, encode
from live.topics import shown

Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


class Outlet:
    """Writes texts to an ASGI send, in order."""

    def __init__(
        self,
        send: Send,
        most_bytes: int,
        end: Callable[[], Awaitable[None]],
        fall_behind: Callable[[], None] = lambda: None,
        batches: BatchClock | None = None,
    ) -> None:
        """`fall_behind` is called once, when the backlog of the client exceeds `most_bytes`.

        `end` is awaited when the client has read everything up to the gap.
        """
        self.batching = False
        self._asgi_send = send
        self._most_bytes = most_bytes
        self._end = end
        self._fall_behind = fall_behind
        self._batches = batches or BatchClock()
        self._batch: list[Publication] = []
        self._backlog: deque[tuple[str, list[Publication]]] = deque()
        self._bytes = 0
        self._lost: dict[str, GapFrame] | None = None
        self._draining: asyncio.Task[None] | None = None

    async def send(self, text: str) -> None:
        """Send a frame and wait until the server takes it; send nothing after the gap."""
        self.flush()
        while self._draining is not None:
            if self._draining.done():
                return  # disconnected, or the gap was sent: the server notifies the consumer
            await asyncio.wait([self._draining])
        await self._asgi_send(message(f"[{text}]" if self.batching else text))

    def offer(self, publication: Publication) -> None:
        """Send a live frame without waiting for the client."""
        if not self.batching:
            self._write(publication["text"], [publication])
            return
        if not self._batch:
            self._batches.end_later(self.flush)
        self._batch.append(publication)

    def flush(self) -> None:
        """Send the open batch."""
        batch, self._batch = self._batch, []
        if batch:
            self._write("[" + ",".join([item["text"] for item in batch]) + "]", batch)

    def close(self) -> None:
        self._batch = []
        self._backlog.clear()
        self._buffer(-self._bytes)
        if self._draining is not None:
            self._draining.cancel()

    def _write(self, text: str, publications: list[Publication]) -> None:
        if self._draining is not None:
            self._put_off(text, publications)
            return
        sending = self._asgi_send(message(text))
        try:
            waiting = sending.send(None)
        except StopIteration:
            return
        except OSError:
            return  # disconnected: the server notifies the consumer
        self._draining = asyncio.create_task(self._drain(sending, waiting))

    def _put_off(self, text: str, publications: list[Publication]) -> None:
        self._backlog.append((text, publications))
        self._buffer(len(text))
        if self._lost is None:
            if self._bytes <= self._most_bytes:
                return
            self._lost = {}
            self._fall_behind()
        for _, late in self._backlog:
            for publication in late:
                lose(self._lost, publication)
        self._backlog.clear()
        self._buffer(-self._bytes)

    def _buffer(self, change: int) -> None:
        self._bytes += change
        metrics.BUFFERED_BYTES.inc(change)

    async def _drain(self, sending: Coroutine[Any, Any, None], waiting: Any) -> None:
        try:
            await rest(sending, waiting)
            while self._backlog:
                text, _ = self._backlog.popleft()
                self._buffer(-len(text))
                await self._asgi_send(message(text))
            if self._lost is not None:
                metrics.GAPS.inc(len(self._lost))
                for gap in self._lost.values():
                    text = encode(gap)
                    await self._asgi_send(message(f"[{text}]" if self.batching else text))
                await self._end()
                return  # nothing is sent after the gap
        except OSError:
            return  # disconnected meanwhile: the server notifies the consumer
        self._draining = None


def message(text: str) -> dict[str, Any]:
    return {"type": "websocket.send", "text": text}


def lose(lost: dict[str, GapFrame], publication: Publication) -> None:
    """Add the rows of `publication` to the gap of its topic."""
    if publication["last_seq"] == 0:
        return
    topic = publication["topic"]
    if topic in lost:
        lost[topic]["to_seq"] = publication["last_seq"]
        return
    lost[topic] = {
        "topic": shown(topic),
        "type": "gap",
        "from_seq": publication["first_seq"],
        "to_seq": publication["last_seq"],
    }


@types.coroutine
def rest(sending: Coroutine[Any, Any, None], waiting: Any) -> Generator[Any, None, None]:
    """Await the rest of `sending`, whose first step is done and waits for `waiting`."""
    try:
        yield waiting
    except BaseException:
        sending.close()
        raise
    yield from sending.__await__()  # continues after its first step
