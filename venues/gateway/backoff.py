"""Delays before attempts to connect: longer after each failure, and never in step. Pure."""

from collections.abc import Callable
from typing import Final

FIRST_S: Final = 0.25
LONGEST_S: Final = 5.0
"""Also bounds how long a venue that is back goes unnoticed."""


class Backoff:
    """`random` returns a number in [0, 1), e.g. random.random."""

    def __init__(
        self,
        random: Callable[[], float],
        first_s: float = FIRST_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._random = random
        self._first_s = first_s
        self._longest_s = longest_s
        self.failures = 0

    def fail(self) -> float:
        """Note a failure; return how long to wait: half to all of a doubling delay, in seconds."""
        delay = min(self._longest_s, self._first_s * float(1 << min(self.failures, 32)))
        self.failures += 1
        return delay * (0.5 + self._random() / 2)

    def succeed(self) -> None:
        self.failures = 0

    def fresh(self) -> "Backoff":
        """Return one with the same delays, which counts failures of its own."""
        return Backoff(self._random, self._first_s, self._longest_s)
