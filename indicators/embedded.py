"""The tasks without a broker: a thread beside the market, another for long computations."""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from indicators import runs
from indicators.models import ComputationRun
from indicators.readings import Publish, scan_market
from indicators.tasks import compute_chunk, compute_run, open_chunks
from instruments.models import Instrument

logger = structlog.get_logger(__name__)

EVERY_S = 60.0
RETRY_S = 1.0


class ScanThread(threading.Thread):
    """Measures every instrument each minute, at low cost and off the event loop.

    Its first minute goes on with the computations that an earlier process left open.
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
                logger.warning("no scan: the database is away", error=str(error).strip())
            except Exception:  # of one minute: the next has another chance
                logger.exception("scan failed")
            finally:
                connection.close()
            next_at = max(next_at + EVERY_S, self._clock())

    def stop(self) -> None:
        """End it, and the computations after their present chunk."""
        self._stopping.set()
        leave_computations()
        self.join()

    def _resume(self) -> None:
        if not self._resumed:
            for run_id in runs.open_runs():
                _submit(str(run_id))
            self._resumed = True


computations = ThreadPoolExecutor(1, thread_name_prefix="computation")
_leaving = threading.Event()


def start_run(run: ComputationRun) -> None:
    """Have a run computed as soon as it is committed: by workers, or here without a broker."""
    run_id = str(run.pk)
    if settings.CELERY_TASK_ALWAYS_EAGER:
        transaction.on_commit(lambda: _submit(run_id))
    else:
        transaction.on_commit(lambda: compute_run.delay(run_id))


def leave_computations() -> None:
    """Leave what was submitted so far after the present chunk, to be resumed later."""
    global _leaving
    _leaving.set()
    _leaving = threading.Event()


def _submit(run_id: str) -> None:
    computations.submit(_compute_here, run_id, _leaving)


def _compute_here(run_id: str, leaving: threading.Event) -> None:
    """Compute the open chunks of a run; wait for a database that is away."""
    while not leaving.is_set():
        try:
            _compute_open_chunks(run_id, leaving)
            return
        except (OperationalError, InterfaceError) as error:
            logger.warning("computation waits for the database", run=run_id, error=str(error))
            leaving.wait(RETRY_S)
        except Exception:  # the run tells it too
            logger.exception("computation failed", run=run_id)
            return
        finally:
            connection.close()


def _compute_open_chunks(run_id: str, leaving: threading.Event) -> None:
    for index in open_chunks(run_id):
        if leaving.is_set():
            return
        compute_chunk(run_id, index)
    runs.settle(uuid.UUID(run_id))
