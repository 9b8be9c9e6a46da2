"""The recorder's thread: batches from the intake, through trouble with the database too."""

import threading
import time
from collections.abc import Callable, Sequence

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from journal.intake import Intake
from journal.recorder import Recorder
from live import metrics
from live.frames import State
from quotes.law.walker import Delivery

logger = structlog.get_logger(__name__)

DATABASE_AWAY = (OperationalError, InterfaceError)
RETRY_S = 0.25
SLOW_S = 2.0
"""What takes longer to write waits for a database that hangs."""


class RecordingThread(threading.Thread):
    """Owns the recorder while sources run. Flushes every RECORDER_FLUSH_S seconds.

    When the database is away it keeps the batch and tries again; the intake fills, and the
    sources wait. `on_state` is told "live" and "stale" as that changes; of a database that hangs
    whoever calls `check` meanwhile tells.
    """

    def __init__(
        self, recorder: Recorder, intake: Intake, on_state: Callable[[State], None]
    ) -> None:
        super().__init__(name="recorder", daemon=True)
        self.recorder = recorder
        self.error: Exception | None = None
        self.recorded = 0
        self._intake = intake
        self._on_state = on_state
        self._stale = False
        self._writing_since: float | None = None
        self._abandoned = threading.Event()
        self._renewed = time.monotonic()

    def abandon(self) -> None:
        """Give up on a database that stays away; what waits is lost, nothing of it was seen."""
        self._abandoned.set()

    def check(self) -> None:
        """Tell "stale" when the database hangs (another thread than ours, now and then)."""
        since = self._writing_since
        if since is not None and time.monotonic() - since > SLOW_S and not self._stale:
            logger.warning("database hangs")
            self._set_stale(True)

    def run(self) -> None:
        try:
            while not self._intake.is_drained:
                self._flush()
        except Exception as error:  # reported to the owner of the thread, who ends the run
            self.error = error
            logger.exception("recorder stopped")
        finally:
            self._intake.close()
            connection.close()

    def _flush(self) -> None:
        started = time.monotonic()
        batch = self._intake.take(settings.RECORDER_BATCH_TICKS, settings.RECORDER_FLUSH_S)
        if batch:
            with metrics.FLUSH_SECONDS.time():
                self._persist(lambda: self.recorder.record_all(batch), batch)
            ticks = sum(len(delivery.ticks) for delivery in batch)
            self.recorded += ticks
            metrics.TICKS_RECORDED.inc(ticks)
        if started - self._renewed > settings.LEASE_TTL_S / 3:
            self._persist(self.recorder.renew_leases, [])
            self._renewed = started
        rest = settings.RECORDER_FLUSH_S - (time.monotonic() - started)
        if batch and rest > 0:
            self._abandoned.wait(rest)

    def _persist(self, write: Callable[[], None], batch: Sequence[Delivery]) -> None:
        self._writing_since = time.monotonic()
        self._insist(write, batch)
        self._writing_since = None
        self._set_stale(False)

    def _insist(self, write: Callable[[], None], batch: Sequence[Delivery]) -> None:
        """Do `write`; when the database is away, wait for it and finish what is not stored."""
        try:
            write()
            return
        except DATABASE_AWAY as error:
            logger.warning("database away", error=str(error).strip())
        self._set_stale(True)
        remaining = list(batch)
        while not self._abandoned.wait(RETRY_S):
            connection.close()
            try:
                self.recorder.renew_leases()
                self.recorder.reload()
                trimmed = [self.recorder.without_stored(delivery) for delivery in remaining]
                remaining = [delivery for delivery in trimmed if delivery is not None]
                if remaining:
                    self.recorder.record_all(remaining)
            except DATABASE_AWAY:
                continue
            return
        raise OperationalError(f"the database stayed away; {len(self._intake)} ticks were waiting")

    def _set_stale(self, stale: bool) -> None:
        if stale != self._stale:
            self._stale = stale
            self._on_state("stale" if stale else "live")
            if not stale:
                logger.warning("database is back")
