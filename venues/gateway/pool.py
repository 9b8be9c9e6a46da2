"""Connections to a venue that stand ready, and one queue for all requests over them.

When a client is taken, another is connected. Requests of all clients share one pace. A request
waits while the venue is unavailable, and is lost neither then nor when its connection breaks; too
many waiting requests are refused at once.
"""

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, Final

import structlog

from venues.deribit.client.errors import LostError, RefusedError, UnavailableError
from venues.deribit.client.pacing import Pacer, QueueFullError
from venues.deribit.client.rpc import ANSWER_S, RpcClient
from venues.gateway import metrics
from venues.gateway.backoff import Backoff

logger = structlog.get_logger(__name__)

SIZE: Final = 10
RATE_S: Final = 10.0
"""Over how long requests per second are counted."""
STEADY_S: Final = 5.0
"""A venue that closes connections earlier than this counts as unavailable."""
PATIENCE_S: Final = 30.0
"""For a request, from its arrival to its answer."""
TOO_MANY_REQUESTS: Final = 10028
RETRY: Final = 10040


class Pool:
    """Belongs to one event loop; `start` it first."""

    def __init__(
        self,
        url: str,
        pacer: Pacer,
        *,
        size: int = SIZE,
        backoff: Backoff | None = None,
        patience_s: float = PATIENCE_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self.url = url
        self.size = size
        self._pacer = pacer
        self._backoff = backoff or Backoff(random.SystemRandom().random)
        self._patience_s = patience_s
        self._answer_s = answer_s
        self._ready: deque[RpcClient] = deque()
        self._taken: set[RpcClient] = set()
        self._changed = asyncio.Condition()
        self._hold_s = 0.0
        """How long to wait before the next connection."""
        self._down = ""
        """Why the newest attempt to connect failed; "" if it did not."""
        self._notes: set[asyncio.Task[None]] = set()
        self._filling: asyncio.Task[None] | None = None
        self.waiting = 0
        """Requests that wait for their moment, a connection or an answer."""
        self.requests = 0
        """Sent so far."""
        self._sent_at: deque[float] = deque()
        """When the requests of the last RATE_S seconds were sent."""

    @property
    def ready(self) -> int:
        return len(self._ready)

    @property
    def taken(self) -> int:
        return len(self._taken)

    @property
    def ages_s(self) -> list[float]:
        """Return how long the ready connections are open, the oldest first."""
        return self._ages(self._ready)

    @property
    def token_ages_s(self) -> list[float]:
        """Return how long the taken connections are open: tokens live and die with them."""
        return self._ages(self._taken)

    @property
    def requests_per_s(self) -> float:
        """Return the mean of the last RATE_S seconds."""
        until = time.monotonic() - RATE_S  # any thread may ask, so nothing is removed here
        return sum(at >= until for at in tuple(self._sent_at)) / RATE_S

    def _ages(self, clients: Iterable[RpcClient]) -> list[float]:
        now = time.monotonic()  # the clock of event loops
        return sorted((round(now - each.opened_at, 1) for each in tuple(clients)), reverse=True)

    def _forget_sent(self) -> None:
        until = time.monotonic() - RATE_S
        while self._sent_at and self._sent_at[0] < until:
            self._sent_at.popleft()

    def start(self) -> None:
        if self._filling is None:
            self._filling = asyncio.create_task(self._fill())

    async def stop(self) -> None:
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.wait([self._filling])
            self._filling = None
        for client in (*self._ready, *self._taken):
            await client.close()
        if self._notes:
            await asyncio.wait(self._notes)

    async def call(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        patience_s: float | None = None,
    ) -> Any:
        """Return the result of a method that may be repeated, over any ready connection.

        Raise RefusedError, QueueFullError, or UnavailableError after the patience.
        """
        limit_s = self._patience_s if patience_s is None else patience_s
        with self._queued():
            try:
                async with asyncio.timeout(limit_s):
                    return await self._persist(method, params)
            except TimeoutError:
                raise UnavailableError(
                    f"the venue did not answer {method} within {limit_s:g} s"
                ) from None

    async def call_on(self, client: RpcClient, method: str, params: Mapping[str, Any]) -> Any:
        """Return the result of a method over one connection, once; raise a VenueError."""
        with self._queued():
            await asyncio.sleep(self._pacer.delay_s())
            return await self._send(client, method, params)

    @contextlib.asynccontextmanager
    async def taking(self) -> AsyncIterator[RpcClient]:
        """Take a ready client, which is closed afterwards; raise UnavailableError.

        Fails at once if there is none because the venue is unavailable.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_ready() or self._down)
        if not self._ready:
            raise UnavailableError(self._down)
        client = self._ready.popleft()
        self._taken.add(client)
        await self._note()
        try:
            yield client
        finally:
            self._taken.discard(client)
            await client.close()
            await self._note()

    async def _persist(self, method: str, params: Mapping[str, Any] | None) -> Any:
        """Send a request until it is answered."""
        refusals = self._backoff.fresh()  # those of other requests delay neither it nor connecting
        while True:
            await asyncio.sleep(self._pacer.delay_s())
            client = await self._next()
            try:
                return await self._send(client, method, params)
            except LostError as error:
                logger.warning("request sent again", method=method, reason=str(error))
            except RefusedError as error:
                if error.code not in (TOO_MANY_REQUESTS, RETRY):
                    raise
                await asyncio.sleep(refusals.fail())

    async def _send(self, client: RpcClient, method: str, params: Mapping[str, Any] | None) -> Any:
        self.requests += 1
        self._sent_at.append(time.monotonic())
        self._forget_sent()
        outcome = "answered"
        try:
            result = await client.call(method, params)
            self._backoff.succeed()
            return result
        except (LostError, RefusedError) as error:
            outcome = "lost" if isinstance(error, LostError) else "refused"
            raise
        finally:
            metrics.REQUESTS.labels(outcome).inc()

    async def _next(self) -> RpcClient:
        """Return the next ready client in turn, once there is one."""
        async with self._changed:
            await self._changed.wait_for(self._has_ready)
        self._ready.rotate(-1)
        return self._ready[-1]

    def _has_ready(self) -> bool:
        """Forget clients that are being closed; return whether others are ready."""
        self._ready = deque(each for each in self._ready if not each.is_closing)
        return bool(self._ready)

    @contextlib.contextmanager
    def _queued(self) -> Iterator[None]:
        """Count a request while it waits; raise QueueFullError."""
        if self.waiting >= self._pacer.most_waiting:
            raise QueueFullError(f"{self.waiting} requests wait for the venue: try again later")
        self.waiting += 1
        metrics.WAITING.set(self.waiting)
        try:
            yield
        finally:
            self.waiting -= 1
            metrics.WAITING.set(self.waiting)

    async def _fill(self) -> None:
        """Keep `size` clients ready."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._ready) < self.size)
            if self._hold_s:
                await asyncio.sleep(self._hold_s)
                self._hold_s = 0.0
            try:
                client = await RpcClient.open(self.url, self._drop, self._answer_s)
            except UnavailableError as error:
                metrics.FAILED.inc()
                self._hold_s = self._backoff.fail()
                logger.warning("venue unavailable", error=str(error), retry_s=self._hold_s)
                self._down = str(error)
                await self._note()
            else:
                self._down = ""
                self._ready.append(client)
                await self._note()

    def _drop(self, client: RpcClient) -> None:
        """Forget a client whose connection has ended."""
        with contextlib.suppress(ValueError):  # taken, or never ready
            self._ready.remove(client)
        lasted_s = asyncio.get_running_loop().time() - client.opened_at
        if not client.is_closing and lasted_s < STEADY_S and not self._hold_s:
            self._hold_s = self._backoff.fail()
        note = asyncio.get_running_loop().create_task(self._note())
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _note(self) -> None:
        metrics.READY.set(self.ready)
        metrics.TAKEN.set(self.taken)
        async with self._changed:
            self._changed.notify_all()
