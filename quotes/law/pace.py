"""The grid of moments at which ticks are due, without drift."""

import math

LONGEST_BURST_S = 0.02
"""At high speed several slots fall into one wake-up; this much wall time of them is normal."""

LARGEST_BURST = 100_000
"""Slots, however high the speed: what is recorded well within the time that a stop may take."""


class Pace:
    """Slot k is due at started + k * period (seconds of a monotonic clock).

    A source that comes late gives only the slots of one ordinary burst; those beyond it are
    counted as late and the grid moves on by them, so that ticks are never bunched.
    """

    def __init__(self, started: float, period: float) -> None:
        self.period = period
        self.late_slots = 0
        self.shortest_wait = min(period, LONGEST_BURST_S)
        self._started = started
        self._taken = 0
        self._burst = max(1, math.ceil(min(LARGEST_BURST, LONGEST_BURST_S / period)))

    @property
    def next_at(self) -> float:
        """When the next slot is due."""
        return self._started + self._taken * self.period

    def take_due(self, now: float) -> int:
        """Return how many slots to give now; they count as taken."""
        due = math.floor((now - self._started) / self.period) + 1 - self._taken
        if due <= 0:
            return 0
        if due > 2 * self._burst:
            late = due - self._burst
            self.late_slots += late
            self._started += late * self.period
            due = self._burst
        self._taken += due
        return due
