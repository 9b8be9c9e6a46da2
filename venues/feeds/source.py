"""A feed as a source of the journal: one thread with an event loop."""

import asyncio
import threading
from typing import Final

from journal.intake import Bundle
from journal.sources import Put
from venues.feeds.events import Contract, OpenFeed
from venues.feeds.following import Follower
from venues.feeds.recorder import Recorder
from venues.feeds.tape import Tape

END_S: Final = 3.0
"""Time for the thread to end its connections."""


class FeedSource:
    """Records one instrument of a venue (journal.sources.Source)."""

    def __init__(
        self, open_feed: OpenFeed, contract: Contract, recorder: Recorder, tape: Tape, depth: int
    ) -> None:
        self.error: Exception | None = None
        self.contract = contract
        self.follower = Follower(contract, recorder, tape, self._put_bundle)
        self._open_feed = open_feed
        self._depth = depth
        self._put: Put | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"feed-{contract.symbol}", daemon=True
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_ending = threading.Event()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self, put: Put) -> None:
        self._put = put
        self._thread.start()

    def finish(self) -> None:
        """End; what the venue sent before is in the intake."""
        self._is_ending.set()
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(END_S)

    def stop(self) -> None:
        self.finish()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def _put_bundle(self, bundle: Bundle) -> bool:
        return self._put is not None and self._put(bundle)

    def _run(self) -> None:
        try:
            asyncio.run(self._follow())
        except asyncio.CancelledError:
            return  # by finish()
        except Exception as error:  # the recording raises it again
            self.error = error

    async def _follow(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._is_ending.is_set():
            return
        async with self._open_feed() as feed:
            await self.follower.run(feed, self._depth)
