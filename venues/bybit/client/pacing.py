"""When a request may be sent: limits of each path, as the venue states them. Pure."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Final

WINDOW_S: Final = 1.0
ADDRESS_WINDOW_S: Final = 5.0
ADDRESS_REQUESTS: Final = 600
"""Of one address in ADDRESS_WINDOW_S, over all paths."""
FIRST_LIMIT: Final = 10
"""Requests per second of a path whose limit is not known yet: that of orders."""
LIMIT, LEFT, RESET = "X-Bapi-Limit", "X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp"


class Pacer:
    """Counts requests in sliding windows. `clock`: seconds that do not go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._limits: dict[str, int] = {}
        self._sent: dict[str, deque[float]] = defaultdict(deque)
        self._all: deque[float] = deque()
        self._closed_until: dict[str, float] = {}

    def delay(self, path: str) -> float:
        """Return the seconds to wait before the next request to a path; 0: now."""
        now = self._clock()
        own = _wait(self._sent[path], self._limits.get(path, FIRST_LIMIT), WINDOW_S, now)
        every = _wait(self._all, ADDRESS_REQUESTS, ADDRESS_WINDOW_S, now)
        return max(own, every, self._closed_until.get(path, now) - now)

    def sent(self, path: str) -> None:
        now = self._clock()
        self._sent[path].append(now)
        self._all.append(now)

    def learn(self, path: str, headers: Mapping[str, str], venue_ms: int) -> None:
        """Note the limit that an answer states; `venue_ms`: the venue's clock when it answered."""
        try:
            limit, left = int(headers[LIMIT]), int(headers[LEFT])
            reset_ms = int(headers[RESET])
        except (KeyError, ValueError):
            return
        self._limits[path] = max(1, limit)
        if left <= 0:
            self.close(path, max(0.0, (reset_ms - venue_ms) / 1000))

    def close(self, path: str, seconds: float) -> None:
        """Send nothing to a path for some time."""
        self._closed_until[path] = self._clock() + min(seconds, ADDRESS_WINDOW_S)


def _wait(sent: deque[float], limit: int, window_s: float, now: float) -> float:
    while sent and now - sent[0] >= window_s:
        sent.popleft()
    return sent[-limit] + window_s - now if len(sent) >= limit else 0.0
