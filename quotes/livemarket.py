"""The live market of one process: sources, intake, recorder, broadcast, put together."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from django.conf import settings
from django.db import connection
from django.utils import timezone

from instruments.models import Instrument
from journal.intake import Intake
from journal.recorder import Recorder
from journal.recording import RecordingThread
from live import metrics
from live.broadcast import Broadcaster
from live.companions import companions
from market.timeframes import MICROSECONDS
from market.times import to_microseconds
from quotes.backfilling import Span, fill, missing
from quotes.law.lawruns import Wish, continue_history
from quotes.law.simulation import Simulation

POLL_S = 0.1
DRAIN_S = 1.5
"""After a stop, this long for the rest to reach the database."""


@dataclass(frozen=True)
class Plan:
    """What to run; durations in seconds of wall time unless named otherwise."""

    instruments: Sequence[Instrument]
    wish: Wish
    speed: float = 1.0
    backfill_s: float | None = None
    duration_s: float | None = None
    opens_at: int | None = None


@dataclass
class Summary:
    """What a live market did, for the closing line and --json."""

    instruments: int = 0
    backfilled: int = 0
    recorded: int = 0
    late_slots: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, float]:
        return asdict(self)


class LiveMarket:
    """Runs a Plan from `open` to `close`. The event loop is where publications go out."""

    def __init__(self, plan: Plan, loop: asyncio.AbstractEventLoop) -> None:
        self.summary = Summary(instruments=len(plan.instruments))
        self.lags: list[float] = []
        self._plan = plan
        self._broadcaster = Broadcaster(plan.instruments, loop)
        self._recorder = Recorder(plan.instruments, publish=self._broadcaster.publish)
        self._intake = Intake(settings.RECORDER_QUEUE_TICKS)

    def run(
        self, is_stopping: Callable[[], bool], advance: Callable[[int], None] = lambda n: None
    ) -> Summary:
        """Back-fill, then live until the end of the plan or until `is_stopping()`.

        Raise LeaseHeldError, RunError, or what stopped the recorder.
        """
        started = time.monotonic()
        try:
            with self._recorder:
                self._backfill(is_stopping, advance)
                if not is_stopping():
                    self._live(is_stopping)
        finally:
            connection.close()
        self.summary.seconds = round(time.monotonic() - started, 3)
        return self.summary

    def _backfill(self, is_stopping: Callable[[], bool], advance: Callable[[int], None]) -> None:
        if self._plan.backfill_s is None:
            return

        def count(n: int) -> None:
            self.summary.backfilled += n
            self._recorder.renew_leases()
            advance(n)

        now = _now()
        span = Span(now - round(self._plan.backfill_s * MICROSECONDS), now)
        for instrument in self._plan.instruments:
            if is_stopping():
                return
            gap = missing(self._recorder, instrument.pk, span, self._plan.wish)
            fill(self._recorder, instrument.pk, gap, self._plan.wish, count, is_stopping)

    def _opens_at(self) -> int | None:
        """Where an empty history starts: as asked; a seeded one at a fixed date; else now."""
        if self._plan.opens_at is not None or self._plan.wish.seed is not None:
            return self._plan.opens_at
        return _now()

    def _live(self, is_stopping: Callable[[], bool]) -> None:
        starts = []
        for instrument in self._plan.instruments:
            tail = self._recorder.tail(instrument.pk)
            opens_at = self._opens_at() if tail.seq == 0 else None
            starts.append(continue_history(tail, self._plan.wish, opens_at))
        simulation = Simulation(starts, self._intake, self._plan.speed, self._plan.duration_s)
        metrics.QUEUE_TICKS.set_function(lambda: len(self._intake))
        metrics.SCHEDULE_LAG_SECONDS.set_function(lambda: simulation.lag_s)
        metrics.LATE_SLOTS.set_function(lambda: simulation.late_slots)
        recording = RecordingThread(self._recorder, self._intake, self._broadcaster.publish_state)
        connection.close()
        recording.start()
        simulation.start()
        self._broadcaster.publish_state("live")
        beside = companions(self._broadcaster.publish_frames)
        for companion in beside:
            companion.start()
        try:
            while simulation.is_running and recording.is_alive() and not is_stopping():
                simulation.join(POLL_S)
                recording.check()
        finally:
            self._intake.close()
            simulation.stop()
            for companion in beside:
                companion.stop()
            recording.join(DRAIN_S if is_stopping() else None)
            if recording.is_alive():
                recording.abandon()
                recording.join()
            self._broadcaster.publish_state("stopped")
            self.summary.recorded = recording.recorded
            self.summary.late_slots = simulation.late_slots
            self.lags = [lag for thread in simulation.instruments for lag in thread.lags]
        if recording.error is not None:
            raise recording.error


def _now() -> int:
    """Return the present, rounded down to whole seconds, in microseconds since 1970 UTC."""
    return to_microseconds(timezone.now().replace(microsecond=0))
