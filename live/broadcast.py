"""From the recorder's thread to the channel layer: the only hop between threads."""

import asyncio
import threading
import time
from collections.abc import Sequence

import structlog
from channels.layers import get_channel_layer

from instruments.models import Instrument
from live import metrics
from live.backlog import Backlog
from live.frames import Publication, status_publication
from live.makers import all_publications, publications_together
from live.membership import LAYER_S, layer_errors
from market.kinds import Delivery
from market.states import State

logger = structlog.get_logger(__name__)


class Broadcaster:
    """Publishes committed records in order, on the given event loop.

    An unavailable channel layer delays ticks but loses none: subscribers see the hole in seq and
    fill it from the database.
    """

    def __init__(self, instruments: Sequence[Instrument], loop: asyncio.AbstractEventLoop) -> None:
        self._of = {i.pk: (i.symbol, i.lattice) for i in instruments}
        self._loop = loop
        self._layer = get_channel_layer()
        self._pending = Backlog()
        self._sending = False
        self._is_unavailable = False

    def publish(self, committed: Sequence[Delivery]) -> None:
        """Publish committed records (journal's thread)."""
        made: list[Publication] = []
        for kind, rows in committed:
            symbol, lattice = self._of[int(rows["instrument"][0])]
            made += all_publications(kind, symbol, lattice, rows)
            metrics.RECORDS_PUBLISHED.labels(kind.name).inc(len(rows))
        self._hand_over(made)
        if together := publications_together(committed):
            self._hand_over(together)

    def publish_state(self, state: State) -> None:
        """Publish the state of all our instruments (any thread)."""
        self._hand_over(
            [status_publication(f"status.{symbol}", state) for symbol, _ in self._of.values()]
        )

    def publish_frames(self, publications: list[Publication]) -> None:
        """Publish frames that companions derived from stored records (any thread)."""
        self._hand_over(publications)

    def _hand_over(self, publications: list[Publication]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._enqueue, publications)

    def _enqueue(self, publications: list[Publication]) -> None:
        dropped = self._pending.dropped
        for each in publications:
            self._pending.add(each)
        metrics.DROPPED.labels("broadcast").inc(self._pending.dropped - dropped)
        if not self._sending:
            self._sending = True
            self._task = self._loop.create_task(self._send_pending())

    async def _send_pending(self) -> None:
        """Send until nothing is pending; merge by topic what is committed meanwhile."""
        try:
            while self._pending:
                await self._send(self._pending.take())
        finally:
            self._sending = False

    async def _send(self, batch: list[Publication]) -> None:
        try:
            for item in batch:
                async with asyncio.timeout(LAYER_S):
                    await self._layer.group_send(item["topic"], item)
                metrics.PUBLISH_SECONDS.observe(max(0.0, time.time() - item["committed_at"]))
        except layer_errors() as error:
            metrics.LAYER_ERRORS.labels("broadcast").inc()
            if not self._is_unavailable:
                logger.warning("channel layer unavailable", error=str(error))
            self._is_unavailable = True
        else:
            if self._is_unavailable:
                logger.warning("channel layer available again")
            self._is_unavailable = False


class LoopThread(threading.Thread):
    """A thread with an event loop, for a simulation that serves no pages."""

    def __init__(self) -> None:
        super().__init__(name="broadcast", daemon=True)
        self.loop = asyncio.new_event_loop()

    def run(self) -> None:
        self.loop.run_forever()
        self.loop.run_until_complete(self._finish())
        self.loop.close()

    async def _finish(self) -> None:
        """Give pending publications a second to be sent."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=1)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join()
