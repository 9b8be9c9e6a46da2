"""The tasks of beat in a web process without a broker, for as long as it lives."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog
from django.conf import settings
from django.db import close_old_connections

logger = structlog.get_logger(__name__)

POLL_S: Final = 0.5


class Schedule(threading.Thread):
    """Calls each task when it is due; a failed one is called again when it is due next."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        from venues.gateway import tasks  # with Celery, which takes long to import

        super().__init__(name="gateway schedule", daemon=True)
        self._clock = clock
        self._stopping = threading.Event()
        now = clock()
        self._due: dict[str, tuple[float, Callable[[], object]]] = {
            "fetch_prices": (now + settings.DERIBIT_FETCH_S, tasks.fetch_prices),
            "refresh": (now + settings.DERIBIT_REFRESH_S, tasks.refresh),
            "store_persons": (midnight_after(now), tasks.store_persons),
        }

    def run(self) -> None:
        while not self._stopping.wait(POLL_S):
            self.call_due()

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def call_due(self) -> list[str]:
        """Call the tasks that are due; return their names."""
        now = self._clock()
        due = [name for name, (at, _) in self._due.items() if at <= now]
        for name in due:
            task = self._due[name][1]
            self._due[name] = self._next(name, now), task
            try:
                task()
            except Exception as error:  # the schedule goes on, whatever a task met
                logger.exception("task of the gateway failed", task=name, error=str(error))
            finally:
                close_old_connections()
        return due

    def _next(self, name: str, now: float) -> float:
        if name == "store_persons":
            return midnight_after(now)
        is_fetch = name == "fetch_prices"
        return now + float(settings.DERIBIT_FETCH_S if is_fetch else settings.DERIBIT_REFRESH_S)


def midnight_after(now: float) -> float:
    """Return the next 00:00 UTC after a moment, both in seconds since 1970."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.timestamp() + 86_400


_running: Final[list[Schedule]] = []


def ensure() -> None:
    """Start the schedule in this process, unless it runs, or beat has it."""
    if not settings.REDIS_URL and not _running:
        _running.append(Schedule())
        _running[0].start()


def stop() -> None:
    while _running:
        _running.pop().stop()
