"""The gateway of this process: a thread with an event loop, on which the pool lives."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context
from typing import Any, Final, TypeVar

import structlog
from django.conf import settings

from venues.deribit.client.pacing import Pacer
from venues.gateway.pool import Pool
from venues.gateway.reporting import REPORT_S, pool_now, report

logger = structlog.get_logger(__name__)

T = TypeVar("T")


class Gateway:
    """Begins to connect when it is made."""

    def __init__(self, url: str, per_s: float, most_waiting: int) -> None:
        self.loop = asyncio.new_event_loop()
        pacer = Pacer(time.monotonic, per_s, most_waiting=most_waiting)
        self.pool = Pool(url, pacer)
        self._thread = threading.Thread(target=self._serve, name="gateway", daemon=True)
        self._thread.start()
        self._reporting: asyncio.Task[None] | None = None
        self.loop.call_soon_threadsafe(self._begin, context=Context())

    def run(self, work: Callable[[Pool], Coroutine[Any, Any, T]]) -> T:
        """Return what a coroutine returns on the loop of the pool (any other thread)."""
        return self.start(work).result()

    def start(self, work: Callable[[Pool], Coroutine[Any, Any, T]]) -> "Future[T]":
        """Begin a coroutine on the loop of the pool."""
        return asyncio.run_coroutine_threadsafe(work(self.pool), self.loop)

    def stop(self) -> None:
        self.run(self._end)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def _begin(self) -> None:
        self.pool.start()
        self._reporting = self.loop.create_task(self._report())

    async def _report(self) -> None:
        while True:
            try:
                await asyncio.to_thread(report, pool_now(self.pool))
            except Exception:  # the next report may succeed
                logger.exception("state of the pool not reported")
            await asyncio.sleep(REPORT_S)

    async def _end(self, pool: Pool) -> None:
        if self._reporting is not None:
            self._reporting.cancel()
            await asyncio.wait([self._reporting])
        await pool.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.close()


_running: Final[list[Gateway]] = []
_starting: Final = threading.Lock()


def current_gateway() -> Gateway:
    """Return the gateway of this process, which starts when it is first used."""
    with _starting:
        if not _running:
            _running.append(
                Gateway(
                    settings.DERIBIT_URL,
                    settings.DERIBIT_REQUESTS_PER_S,
                    settings.DERIBIT_MOST_WAITING,
                )
            )
        return _running[0]


def is_running() -> bool:
    """Return whether this process has the connections."""
    return bool(_running)


def stop() -> None:
    while _running:
        _running.pop().stop()
