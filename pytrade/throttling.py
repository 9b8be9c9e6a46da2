"""How many requests a client may send to the API, counted per window.

API_RATE of one address, API_USER_RATE of one user; each process counts for itself.
"""

import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.throttling import SimpleRateThrottle


class WindowThrottle(SimpleRateThrottle):  # type: ignore[misc]
    """Counts requests of a client in fixed windows: one number, however high the rate."""

    def __init__(self) -> None:
        """The rate is known with the request."""

    def allow_request(self, request: Any, view: Any) -> bool:
        user = request.user or getattr(request, "reader", None)
        rate = settings.API_RATE if user is None else settings.API_USER_RATE
        self.num_requests, self.duration = self.parse_rate(rate or None)
        if self.num_requests is None:
            return True
        now = time.time()
        window = int(now // self.duration)
        who = f"address:{self.get_ident(request)}" if user is None else f"user:{user.pk}"
        key = f"rate:{who}:{window}"
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
