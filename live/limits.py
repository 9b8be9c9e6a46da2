"""Limits of one client of the stream. Pure; docs/configuration.md lists those that are settings."""

import time
from collections import Counter

LARGEST_MESSAGE = 16 * 1024
MOST_TOPICS = 500
MESSAGES_PER_S = 50


class MessageRate:
    """Counts messages in each second."""

    def __init__(self, per_s: int = MESSAGES_PER_S) -> None:
        self._per_s = per_s
        self._window, self._messages = 0, 0

    def allows(self) -> bool:
        """Count one message; return whether it is within the rate."""
        now = int(time.monotonic())
        if now != self._window:
            self._window, self._messages = now, 0
        self._messages += 1
        return self._messages <= self._per_s


class Connections:
    """Connections by address."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    def enter(self, address: str, most: int) -> bool:
        """Count a connection; return False, counting nothing, when `address` has `most`."""
        if most and self._of[address] >= most:
            return False
        self._of[address] += 1
        return True

    def leave(self, address: str) -> None:
        self._of[address] -= 1
        if self._of[address] <= 0:
            del self._of[address]

    def total(self) -> int:
        return self._of.total()


connections = Connections()
