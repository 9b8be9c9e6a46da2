"""Credits: every request costs some, and they come back with time. Pure."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Final

MOST_CLIENTS: Final = 10_000


@dataclass(frozen=True)
class Pool:
    """`most` credits, of which `per_s` come back each second; a request costs `cost`."""

    name: str
    cost: int
    most: int
    per_s: int

    @property
    def burst(self) -> int:
        """Return how many requests may come at once."""
        return self.most // self.cost

    @property
    def rate(self) -> float:
        """Return how many requests a second may come for ever."""
        return self.per_s / self.cost


class Limit(Enum):
    """What a request is paid from. Matching: the tier of accounts that trade little."""

    REQUESTS = Pool("requests", cost=500, most=50_000, per_s=10_000)
    SUBSCRIBE = Pool("subscribe", cost=3_000, most=30_000, per_s=10_000)
    MATCHING = Pool("matching", cost=1_000, most=20_000, per_s=5_000)


class Credits:
    """Credits of clients. `factor` scales pools and rates; 0: no limits."""

    def __init__(self, factor: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._factor = factor
        self._clock = clock
        self._left: dict[Hashable, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, client: Hashable, limit: Limit) -> bool:
        """Pay for a request of a client; return False, paying nothing, if it has too little."""
        if not self._factor:
            return True
        pool, now = limit.value, self._clock()
        most = max(pool.most * self._factor, pool.cost)
        key = client, pool.name
        with self._lock:
            left, at = self._left.pop(key, (most, now))
            left = min(most, left + (now - at) * pool.per_s * self._factor)
            can_pay = left >= pool.cost
            self._left[key] = (left - pool.cost if can_pay else left), now
            if len(self._left) > MOST_CLIENTS:  # the longest unused one
                del self._left[next(iter(self._left))]
        return can_pay
