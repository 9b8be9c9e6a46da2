"""The way from the sources' threads to the recorder: bounded, so that sources wait."""

import threading
from collections import deque

from quotes.law.walker import Delivery


class Intake:
    """A queue of deliveries, bounded by their number of ticks. Many put, one takes."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity of {capacity} ticks: use at least 1")
        self._capacity = capacity
        self._waiting: deque[Delivery] = deque()
        self._ticks = 0
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """Return the number of ticks that wait."""
        return self._ticks

    def put(self, delivery: Delivery) -> bool:
        """Hand over `delivery`, waiting for room; return False when the intake is closed."""
        n = len(delivery.ticks)
        with self._changed:
            while not self._closed and self._ticks and self._ticks + n > self._capacity:
                self._changed.wait()
            if self._closed:
                return False
            self._waiting.append(delivery)
            self._ticks += n
            if len(self._waiting) == 1:
                self._changed.notify_all()
            return True

    def take(self, most_ticks: int, timeout: float) -> list[Delivery]:
        """Return what waits, up to about `most_ticks`; wait up to `timeout` s for the first."""
        taken: list[Delivery] = []
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(timeout)
            n = 0
            while self._waiting and n < most_ticks:
                delivery = self._waiting.popleft()
                n += len(delivery.ticks)
                taken.append(delivery)
            self._ticks -= n
            if taken:
                self._changed.notify_all()
        return taken

    def close(self) -> None:
        """Take no more; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_drained(self) -> bool:
        """Closed, and everything taken."""
        with self._changed:
            return self._closed and not self._waiting
