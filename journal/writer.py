"""The journal's thread: stores batches from the intake and survives database outages."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from journal import metrics
from journal.intake import Intake
from journal.journal import Journal
from market.kinds import Delivery
from market.states import State

logger = structlog.get_logger(__name__)

DATABASE_UNAVAILABLE = (OperationalError, InterfaceError)
RETRY_S = 0.25
SLOW_S = 2.0
"""A write that takes longer than this means that the database hangs."""


class WriterThread(threading.Thread):
    """Owns the journal while sources run. Flushes every JOURNAL_FLUSH_S seconds, and urgent
    bundles at once.

    While the database is unavailable, the thread keeps the batch and retries; the intake fills up
    and the sources block. The thread calls `on_state` with "stale" and "live" on each change. A
    hanging database blocks this thread, so another thread must call `check` to detect it.
    """

    def __init__(self, journal: Journal, intake: Intake, on_state: Callable[[State], None]) -> None:
        super().__init__(name="journal", daemon=True)
        self.journal = journal
        self.error: Exception | None = None
        self.recorded: Counter[str] = Counter()
        self._intake = intake
        self._on_state = on_state
        self._stale = False
        self._writing_since: float | None = None
        self._abandoned = threading.Event()
        self._renewed = time.monotonic()

    @property
    def is_stale(self) -> bool:
        """Whether the last access found the database unavailable."""
        return self._stale

    def abandon(self) -> None:
        """Stop retrying an unavailable database. Queued records are lost; none was published."""
        self._abandoned.set()

    def check(self) -> None:
        """Report "stale" if a write hangs. Another thread calls this periodically."""
        since = self._writing_since
        if since is not None and time.monotonic() - since > SLOW_S and not self._stale:
            logger.warning("database hangs")
            self._set_stale(True)

    def run(self) -> None:
        try:
            while not self._intake.is_drained:
                self._flush()
        except Exception as error:  # Session raises it again
            self.error = error
            logger.exception("journal stopped")
        finally:
            self._intake.close()
            connection.close()

    def _flush(self) -> None:
        started = time.monotonic()
        bundles = self._intake.take(settings.JOURNAL_BATCH_RECORDS, settings.JOURNAL_FLUSH_S)
        batch = [delivery for bundle in bundles for delivery in bundle]
        if batch:
            with metrics.FLUSH_SECONDS.time():
                self._persist(lambda: self.journal.append(batch), batch)
            for kind, rows in batch:
                self.recorded[kind.name] += len(rows)
                metrics.RECORDS.labels(kind.name).inc(len(rows))
        if started - self._renewed > settings.LEASE_TTL_S / 3:
            self._persist(self.journal.renew_leases, [])
            self._renewed = started
        rest = settings.JOURNAL_FLUSH_S - (time.monotonic() - started)
        if batch and rest > 0:
            self._intake.wait_for_urgent(rest)

    def _persist(self, write: Callable[[], None], batch: Iterable[Delivery]) -> None:
        self._writing_since = time.monotonic()
        self._insist(write, batch)
        self._writing_since = None
        self._set_stale(False)

    def _insist(self, write: Callable[[], None], batch: Iterable[Delivery]) -> None:
        """Call `write`; after an outage, store `batch` unless that write stored it.

        Raise OperationalError if the outage outlasts the run (`abandon`).
        """
        try:
            write()
            return
        except DATABASE_UNAVAILABLE as error:
            logger.warning("database unavailable", error=str(error).strip())
        self._set_stale(True)
        while not self._abandoned.wait(RETRY_S):
            connection.close()
            try:
                self.journal.renew_leases()
                self.journal.reload()
                self.journal.append_once(batch)
            except DATABASE_UNAVAILABLE:
                continue
            return
        raise OperationalError(
            f"the database stayed unavailable; {len(self._intake)} queued records were lost"
        )

    def _set_stale(self, stale: bool) -> None:
        if stale != self._stale:
            self._stale = stale
            self._on_state("stale" if stale else "live")
            if not stale:
                logger.warning("database available again")
