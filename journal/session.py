"""Runs sources into the journal, for the live market and for replays."""

from collections import Counter
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import connection

from journal import metrics
from journal.intake import Intake
from journal.journal import Journal
from journal.sources import Companion, Source
from journal.writer import WriterThread
from market.states import State

POLL_S = 0.1
DRAIN_S = 1.5
"""Time to store the queued records after a stop."""
GIVE_UP_S = 3.0
"""Further time for a write that hangs, after which the thread is abandoned."""


class Session:
    """Runs sources into a journal that the caller has entered."""

    def __init__(self, journal: Journal, on_state: Callable[[State], None]) -> None:
        self.recorded: Counter[str] = Counter()
        """Recorded records by kind name."""
        self._journal = journal
        self._on_state = on_state
        self._intake = Intake(settings.JOURNAL_QUEUE_RECORDS)

    def run(
        self,
        sources: Sequence[Source],
        is_stopping: Callable[[], bool],
        companions: Sequence[Companion] = (),
    ) -> None:
        """Run until all sources end or `is_stopping()`, then store what they delivered.

        Raise the error that stopped the journal, if any.
        """
        metrics.QUEUE_RECORDS.set_function(lambda: len(self._intake))
        writer = WriterThread(self._journal, self._intake, self._on_state)
        connection.close()  # the writer's thread owns the journal from here on
        writer.start()
        for source in sources:
            source.start(self._intake.put)
        self._on_state("live")
        for companion in companions:
            companion.start()
        try:
            while writer.is_alive() and not is_stopping():
                running = [source for source in sources if source.is_running]
                if not running:
                    break
                running[0].join(POLL_S)
                writer.check()
        finally:
            for companion in companions:  # before the sources: some act on what these produce
                companion.stop()
            for source in sources:
                source.finish()
            self._intake.close()
            for source in sources:
                source.stop()
            self._finish(writer, is_stopping())
        if writer.error is not None:
            raise writer.error

    def _finish(self, writer: WriterThread, hurried: bool) -> None:
        writer.join(DRAIN_S if hurried else None)
        if writer.is_alive():
            writer.abandon()
            writer.join(GIVE_UP_S)
        if writer.is_stale:
            self._journal.leave()
        self._on_state("stopped")
        self.recorded = writer.recorded
