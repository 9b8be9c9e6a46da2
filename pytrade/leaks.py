"""Trace leaks: log which lines of code hold more memory than after start-up (LEAK_TRACE_S).

Tracing makes allocations about twice as slow, so it is off unless somebody looks for a leak. Pure.
"""

import os
import threading
import tracemalloc
from typing import Final

import structlog

logger = structlog.get_logger(__name__)

MOST: Final = 10
"""Lines of code in a report."""
LEAST_BYTES: Final = 100_000
NOT_OURS: Final = (tracemalloc.Filter(False, tracemalloc.__file__),)


class LeakTrace(threading.Thread):
    """Reports every `every_s` seconds what has grown since the first interval ended."""

    def __init__(self, every_s: float) -> None:
        super().__init__(name="leaks", daemon=True)
        self._every_s = every_s
        self._stopping = threading.Event()
        self._first: tracemalloc.Snapshot | None = None

    def run(self) -> None:
        tracemalloc.start()
        while not self._stopping.wait(self._every_s):
            self.report()

    def stop(self) -> None:
        self._stopping.set()
        self.join()
        tracemalloc.stop()

    def report(self) -> None:
        """Log the lines whose memory has grown most, by LEAST_BYTES at least."""
        now = tracemalloc.take_snapshot().filter_traces(NOT_OURS)
        if self._first is None:
            self._first = now
            return
        grown = [
            each for each in now.compare_to(self._first, "lineno") if each.size_diff >= LEAST_BYTES
        ]
        for each in grown[:MOST]:
            where = each.traceback[0]
            logger.info(
                "memory has grown",
                line=f"{where.filename}:{where.lineno}",
                bytes=each.size_diff,
                objects=each.count_diff,
            )
        traced, peak = tracemalloc.get_traced_memory()
        logger.info("memory traced", bytes=traced, peak=peak, lines_grown=len(grown))


def trace(every_s: float) -> None:
    """Trace this process and all that it forks."""
    LeakTrace(every_s).start()
    os.register_at_fork(after_in_child=lambda: LeakTrace(every_s).start())
