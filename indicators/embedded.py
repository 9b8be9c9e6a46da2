"""The tasks without a broker: a thread beside the market, another for long computations."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.conf import settings
from django.db import connection, transaction

from indicators.models import ComputationRun
from indicators.readings import Publish, scan_market
from indicators.tasks import compute_chunk, compute_run, open_chunks
from instruments.models import Instrument

logger = structlog.get_logger(__name__)

EVERY_S = 60.0


class ScanThread(threading.Thread):
    """Measures every instrument each minute, at low cost and off the event loop."""

    def __init__(self, publish: Publish, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(name="indicators", daemon=True)
        self._publish = publish
        self._clock = clock
        self._stopping = threading.Event()

    def run(self) -> None:
        next_at = self._clock()
        while not self._stopping.wait(max(0.0, next_at - self._clock())):
            try:
                scan_market(Instrument.objects.order_by("pk"), self._publish)
            except Exception:  # of one minute: the next has another chance
                logger.exception("scan failed")
            finally:
                connection.close()
            next_at = max(next_at + EVERY_S, self._clock())

    def stop(self) -> None:
        self._stopping.set()
        self.join()


computations = ThreadPoolExecutor(1, thread_name_prefix="computation")


def start_run(run: ComputationRun) -> None:
    """Have a run computed as soon as it is committed: by workers, or here without a broker."""
    run_id = str(run.pk)
    if settings.CELERY_TASK_ALWAYS_EAGER:
        transaction.on_commit(lambda: computations.submit(_compute_here, run_id))
    else:
        transaction.on_commit(lambda: compute_run.delay(run_id))


def _compute_here(run_id: str) -> None:
    try:
        for index in open_chunks(run_id):
            compute_chunk(run_id, index)
    finally:
        connection.close()
