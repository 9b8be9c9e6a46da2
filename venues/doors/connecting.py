"""How often an address may connect. Pure."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

MOST_ATTEMPTS: Final = 500
WINDOW_S: Final = 300.0
MOST_ADDRESSES: Final = 10_000


class Attempts:
    """Counts the connections of each address in a sliding window."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._of: dict[str, deque[float]] = {}

    def allows(self, address: str, *, limited: bool = True) -> bool:
        """Count a connection; return whether it is within the limit."""
        if not limited:
            return True
        now = self._clock()
        made = self._of.pop(address, deque())
        while made and made[0] <= now - WINDOW_S:
            made.popleft()
        self._of[address] = made
        if len(self._of) > MOST_ADDRESSES:  # the one that connected longest ago
            del self._of[next(iter(self._of))]
        if len(made) >= MOST_ATTEMPTS:
            return False
        made.append(now)
        return True


attempts: Final = Attempts()
