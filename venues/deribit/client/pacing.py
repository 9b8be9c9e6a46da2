"""When requests to a venue may be sent: at most so many a second, in order of arrival. Pure.

A request takes the next free moment. The number of requests that wait for their moment is bounded:
beyond the bound a request is refused at once.
"""

from collections.abc import Callable
from typing import Final

PER_S: Final = 15.0
MOST_WAITING: Final = 1_000


class QueueFullError(RuntimeError):
    """Too many requests wait; the text is for the user."""


class Pacer:
    """Moments for requests over all connections: `per_s` a second, evenly spaced.

    After a pause, up to `burst` requests go at once.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        per_s: float = PER_S,
        burst: int = 1,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        if per_s <= 0 or burst < 1:
            raise ValueError(f"per_s {per_s} must be positive, and burst {burst} at least 1")
        self._clock = clock
        self._spacing = 1 / per_s
        self._ahead = (burst - 1) * self._spacing
        self.most_waiting = most_waiting
        self._next_at = clock()

    @property
    def waiting(self) -> int:
        """Return how many requests wait for their moment."""
        behind = self._next_at - self._ahead - self._clock()
        return max(0, round(behind / self._spacing))

    def delay_s(self) -> float:
        """Take the next moment; return how long to wait for it; raise QueueFullError."""
        now = self._clock()
        if self.waiting >= self.most_waiting:
            raise QueueFullError(
                f"{self.most_waiting} requests wait for the venue already: try again later"
            )
        due = max(self._next_at, now)
        self._next_at = due + self._spacing
        return max(0.0, due - self._ahead - now)
