"""The time grid on which ticks are due, free of drift."""

import math

LONGEST_BURST_S = 0.02
"""At high speed one wake-up covers several slots: at most this much wall time of them."""

LARGEST_BURST = 100_000
"""Upper limit of slots per burst at any speed, so that a burst is stored quickly on a stop."""


class Pace:
    """Slot k is due at started + k * period (seconds of a monotonic clock).

    A source that falls behind takes only the slots of one normal burst. The others count as late
    and shift the grid, so that ticks never bunch up.
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
        """Due time of the next slot."""
        return self._started + self._taken * self.period

    def take_due(self, now: float) -> int:
        """Take the slots that are due at `now`; return their number."""
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
