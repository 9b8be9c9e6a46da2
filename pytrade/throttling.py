"""How many requests a client may send to the API: API_RATE, counted per window."""

import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.throttling import SimpleRateThrottle


class WindowThrottle(SimpleRateThrottle):  # type: ignore[misc]
    """Counts requests of an address in fixed windows: one number, however high the rate."""

    def get_rate(self) -> str | None:
        return settings.API_RATE or None

    def allow_request(self, request: Any, view: Any) -> bool:
        if self.rate is None:
            return True
        now = time.time()
        window = int(now // self.duration)
        key = f"rate:{self.get_ident(request)}:{window}"
        self._wait_s = (window + 1) * self.duration - now
        return self._count(key) <= self.num_requests

    def _count(self, key: str) -> int:
        """Return how many requests the window of `key` has seen, this one among them."""
        with suppress(ValueError):  # it is not there yet, or expired
            return int(cache.incr(key))
        if cache.add(key, 1, timeout=self.duration + 1):
            return 1
        return int(cache.incr(key))

    def wait(self) -> float:
        return float(self._wait_s)
