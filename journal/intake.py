"""The bounded queue between the sources' threads and the journal. A full queue blocks sources."""

import threading
from collections import deque

from market.kinds import Delivery

Bundle = tuple[Delivery, ...]
"""Deliveries that must be stored in one transaction."""


def size(bundle: Bundle) -> int:
    """Return the number of records in `bundle`."""
    return sum(len(delivery.rows) for delivery in bundle)


class Intake:
    """A queue of bundles, bounded by their number of records. Many producers, one consumer."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity of {capacity} records: use at least 1")
        self._capacity = capacity
        self._waiting: deque[Bundle] = deque()
        self._records = 0
        self._closed = False
        self._urgent = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """Return the number of queued records."""
        return self._records

    def put(self, bundle: Bundle, *, urgent: bool = False) -> bool:
        """Queue `bundle`, waiting for room; return False if the intake is closed.

        An urgent bundle, and all queued before it, are not kept waiting for a fuller batch.
        """
        n = size(bundle)
        with self._changed:
            while not self._closed and self._records and self._records + n > self._capacity:
                self._changed.wait()
            if self._closed:
                return False
            self._waiting.append(bundle)
            self._records += n
            self._urgent |= urgent
            if urgent or len(self._waiting) == 1:
                self._changed.notify_all()
            return True

    def take(self, most_records: int, timeout: float) -> list[Bundle]:
        """Return bundles of about `most_records` in all; wait up to `timeout` s for the first."""
        taken: list[Bundle] = []
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(timeout)
            n = 0
            while self._waiting and n < most_records:
                bundle = self._waiting.popleft()
                n += size(bundle)
                taken.append(bundle)
            self._records -= n
            self._urgent &= bool(self._waiting)
            if taken:
                self._changed.notify_all()
        return taken

    def wait_for_urgent(self, timeout: float) -> None:
        """Wait until an urgent bundle is queued, the intake is closed, or `timeout` s passed."""
        with self._changed:
            self._changed.wait_for(lambda: self._urgent or self._closed, timeout)

    def close(self) -> None:
        """Refuse further bundles; queued ones can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_drained(self) -> bool:
        """Whether the intake is closed and empty."""
        with self._changed:
            return self._closed and not self._waiting
