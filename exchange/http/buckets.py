"""Token buckets: how many orders a client may send per second, and how many at once. Pure."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final

MOST_CLIENTS: Final = 10_000


class Buckets:
    """A bucket for each client: it holds `burst` tokens and refills at `per_s`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[Hashable, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, client: Hashable, per_s: float, burst: int) -> float:
        """Take a token; return 0, or the seconds until there is one."""
        now = self._clock()
        with self._lock:
            left, at = self._left.pop(client, (float(burst), now))
            left = min(float(burst), left + (now - at) * per_s)
            wait = 0.0 if left >= 1 else (1 - left) / per_s
            self._left[client] = (left if wait else left - 1, now)
            if len(self._left) > MOST_CLIENTS:  # the longest unused one is full again
                del self._left[next(iter(self._left))]
        return wait
