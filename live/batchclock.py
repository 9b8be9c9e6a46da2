"""When the batches of all sockets of a process end."""

import asyncio
import time
from collections.abc import Callable

QUIET_S = 0.005
LONGEST_S = 0.1


class BatchClock:
    """Ends all batches together after a quiet period, at the latest after LONGEST_S.

    The quiet period is as long as the last write to all sockets took, so that an overloaded
    process writes fewer and larger messages.
    """

    def __init__(self) -> None:
        self._flushes: list[Callable[[], None]] = []
        self._quiet_s = QUIET_S
        self._first_at = self._last_at = 0.0

    def more(self) -> None:
        """Note an arrival: open batches wait for more."""
        self._last_at = time.monotonic()

    def end_later(self, flush: Callable[[], None]) -> None:
        """Call `flush`, which must not raise, when the batches end."""
        if not self._flushes:
            self._first_at = time.monotonic()
            asyncio.get_running_loop().call_later(self._quiet_s, self._end)
        self._flushes.append(flush)

    def _end(self) -> None:
        now = time.monotonic()
        left = min(self._last_at + self._quiet_s, self._first_at + LONGEST_S) - now
        if left > 0:
            asyncio.get_running_loop().call_later(left, self._end)
            return
        flushes, self._flushes = self._flushes, []
        for flush in flushes:
            flush()
        self._quiet_s = min(max(QUIET_S, time.monotonic() - now), LONGEST_S)
