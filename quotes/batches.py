"""When the batches of all sockets of a process end."""

import asyncio
import time
from collections.abc import Callable

SHORTEST_S = 0.005
LONGEST_S = 0.1
SHARE = 3
"""A window is this many times as long as writing took: the rest is left to everything else."""


class Batches:
    """Ends all batches together, after a window that grows with what writing to all takes.

    Without it, a process that is late writes more and smaller messages, and gets later still.
    """

    def __init__(self) -> None:
        self.window_s = SHORTEST_S
        self._flushes: list[Callable[[], None]] = []

    def end_later(self, flush: Callable[[], None]) -> None:
        """Call `flush`, which must not raise, when this window ends."""
        if not self._flushes:
            asyncio.get_running_loop().call_later(self.window_s, self._end)
        self._flushes.append(flush)

    def _end(self) -> None:
        flushes, self._flushes = self._flushes, []
        started = time.perf_counter()
        for flush in flushes:
            flush()
        took = time.perf_counter() - started
        self.window_s = min(max(SHORTEST_S, SHARE * took), LONGEST_S)
