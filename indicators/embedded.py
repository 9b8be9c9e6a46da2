"""The tasks without a broker: one thread for scans, another for long computations."""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from indicators import runs
from indicators.models import ComputationRun
from indicators.readings import Publish, scan_market
from instruments.models import Instrument

logger = structlog.get_logger(__name__)

EVERY_S = 60.0
RETRY_S = 1.0


class ScanThread(threading.Thread):
    """Measures every instrument each minute, at low cost and off the event loop.

    Its first minute resumes the computations that an earlier process left open.
    """

    def __init__(self, publish: Publish, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(name="indicators", daemon=True)
        self._publish = publish
        self._clock = clock
        self._stopping = threading.Event()
        self._resumed = False

    def run(self) -> None:
        next_at = self._clock()
        while not self._stopping.wait(max(0.0, next_at - self._clock())):
            try:
                self._resume()
                scan_market(Instrument.objects.order_by("pk"), self._publish)
            except (OperationalError, InterfaceError) as error:
                logger.warning("no scan: the database is unavailable", error=str(error).strip())
            except Exception:  # of one minute: the next minute tries again
                logger.exception("scan failed")
            finally:
                connection.close()
            next_at = max(next_at + EVERY_S, self._clock())

    def stop(self) -> None:
        """Stop this thread, and computations after their current chunk."""
        self._stopping.set()
        computations.leave()
        self.join()

    def _resume(self) -> None:
        if not self._resumed:
            for run_id in runs.open_runs():
                computations.add(str(run_id))
            self._resumed = True


class Computations:
    """Computes runs one after the other, in a thread that ends when none is left.

    It also ends with the process, after its current chunk: the next start of the market resumes
    unfinished runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[str] = deque()
        self._thread: threading.Thread | None = None
        self._leaving = threading.Event()

    def add(self, run_id: str) -> None:
        with self._lock:
            self._waiting.append(run_id)
            if self._thread is None or self._leaving.is_set():
                self._leaving = threading.Event()
                self._thread = threading.Thread(
                    target=self._compute, args=(self._leaving,), name="computations"
                )
                self._thread.start()

    def leave(self) -> None:
        """Stop after the current chunk."""
        with self._lock:
            self._waiting.clear()
            self._leaving.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of the thread: all runs are computed, or the chunk of a leaving one.

        Return whether it ended.
        """
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def _compute(self, leaving: threading.Event) -> None:
        while (run_id := self._next(leaving)) is not None:
            try:
                compute_run_here(run_id, leaving)
            except Exception:  # of one run: the next run is computed
                logger.exception("computation failed", run=run_id)

    def _next(self, leaving: threading.Event) -> str | None:
        with self._lock:
            if leaving.is_set():
                return None
            if not self._waiting or is_over(leaving):
                self._thread = None
                return None
            return self._waiting.popleft()


computations = Computations()


def is_over(leaving: threading.Event) -> bool:
    """Return whether computations should stop; the interpreter waits for them at exit."""
    return leaving.is_set() or not threading.main_thread().is_alive()


def start_run(run: ComputationRun) -> None:
    """Start a run once it is committed: on workers, or in this process without a broker."""
    run_id = str(run.pk)
    if settings.CELERY_TASK_ALWAYS_EAGER:
        transaction.on_commit(lambda: computations.add(run_id))
    else:
        from indicators.tasks import compute_run  # with Celery, a tenth of the start of a process

        transaction.on_commit(lambda: compute_run.delay(run_id))


def compute_run_here(run_id: str, leaving: threading.Event) -> None:
    """Compute the open chunks of a run; wait for a database that is unavailable."""
    while not is_over(leaving):
        try:
            _compute_open_chunks(uuid.UUID(run_id), leaving)
            return
        except (OperationalError, InterfaceError) as error:
            logger.warning("computation waits for the database", run=run_id, error=str(error))
            leaving.wait(RETRY_S)
        except Exception as error:
            logger.exception("computation failed", run=run_id)
            runs.fail(uuid.UUID(run_id), f"{type(error).__name__}: {error}")
            return
        finally:
            connection.close()


def _compute_open_chunks(run_id: uuid.UUID, leaving: threading.Event) -> None:
    done = runs.done_chunks(run_id)
    for index in range(ComputationRun.objects.get(pk=run_id).chunk_count):
        if is_over(leaving):
            return
        if index not in done and not runs.compute_chunk(run_id, index):
            return
    runs.settle(run_id)
