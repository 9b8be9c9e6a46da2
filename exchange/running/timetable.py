"""How far a book is due: from wall time to simulated time. Pure."""

import math

from quotes.law.pace import Pace
from quotes.law.walker import MarketLaw


class Timetable:
    """The simulated time that a live book has reached, on the time grid of its ticks.

    Between two ticks simulated time flows evenly. If the source falls behind, the slots that the
    pace counts as late shift the grid, so simulated time stands still instead of jumping.
    """

    def __init__(
        self, law: MarketLaw, pace: Pace, next_slot: int, last_slot: int | None = None
    ) -> None:
        """Slot `next_slot` ends when the next tick of `pace` is due; end with `last_slot`."""
        self._law = law
        self._pace = pace
        self._next = next_slot
        self._last = last_slot

    @property
    def next_slot(self) -> int:
        """The slot that is in progress."""
        return self._next

    @property
    def has_ended(self) -> bool:
        """Whether the last slot is due."""
        return self._last is not None and self._next > self._last

    def lag_s(self, now: float) -> float:
        """Return how late in seconds the end of the slot in progress is, 0 if it is not due."""
        return 0.0 if self.has_ended else max(0.0, now - self._pace.next_at)

    def due(self, now: float) -> int:
        """Take the slots that are due at `now`; return the simulated time in microseconds."""
        if self.has_ended:
            return self._law.at(self._next - 1)
        self._next += self._pace.take_due(now)
        if self._last is not None and self._next > self._last:
            self._next = self._last + 1
            return self._law.at(self._last)
        left = (self._pace.next_at - now) / self._pace.period
        elapsed = math.floor((1 - min(1.0, left)) * self._law.interval_us)
        return self._law.at(self._next - 1) + min(elapsed, self._law.interval_us - 1)
