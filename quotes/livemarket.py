"""The live market of one process: back-fill, simulation, recording and broadcast."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection
from django.utils import timezone

from instruments.models import Instrument
from journal import metrics
from journal.journal import Journal
from journal.session import Session
from live.broadcast import Broadcaster
from live.companions import companions
from market.timeframes import MICROSECONDS
from market.times import to_microseconds
from quotes.backfilling import Span, fill, missing
from quotes.extensions import LiveExtension, extensions
from quotes.kinds import QUOTES
from quotes.law.simulation import Simulation
from quotes.lawruns import RunOptions, continue_history

BEHIND_S = 2.0
"""A back-fill that ends later than this after its `until` fills the time that it took as well."""
MOST_PASSES = 5
"""Each pass fills less than the one before; a machine too slow for that starts late instead."""


@dataclass(frozen=True)
class Plan:
    """What to run. Durations are in seconds of wall time; `opens_at` in microseconds since 1970.

    `options` are those of `runsim`, for extensions.
    """

    instruments: Sequence[Instrument]
    run_options: RunOptions
    speed: float = 1.0
    backfill_s: float | None = None
    duration_s: float | None = None
    opens_at: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Summary:
    """Result of a live market, for the final line and --json."""

    instruments: int = 0
    backfilled: int = 0
    recorded: int = 0
    late_slots: int = 0
    seconds: float = 0.0
    extensions: dict[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        report: dict[str, object] = asdict(self)
        del report["extensions"]
        return report | self.extensions


class LiveMarket:
    """Runs a Plan and publishes through the event loop `loop`."""

    def __init__(self, plan: Plan, loop: asyncio.AbstractEventLoop) -> None:
        self.summary = Summary(instruments=len(plan.instruments))
        self.lags: list[float] = []
        self._plan = plan
        self._broadcaster = Broadcaster(plan.instruments, loop)
        self._journal = Journal(plan.instruments, publish=self._broadcaster.publish)
        self._extensions: list[LiveExtension] = []

    def run(
        self, is_stopping: Callable[[], bool], advance: Callable[[int], None] = lambda n: None
    ) -> Summary:
        """Back-fill, then run live until the end of the plan or until `is_stopping()`.

        Raise LeaseHeldError, RunError or the error that stopped the journal or an extension.
        """
        started = time.monotonic()
        try:
            with self._journal:
                self._backfill(is_stopping, advance)
                if not is_stopping():
                    self._live(is_stopping)
        finally:
            connection.close()
        self.summary.seconds = round(time.monotonic() - started, 3)
        return self.summary

    def _errors(self) -> list[Exception]:
        return [each.error for each in self._extensions if each.error is not None]

    def _backfill(self, is_stopping: Callable[[], bool], advance: Callable[[int], None]) -> None:
        if self._plan.backfill_s is None:
            return

        def count(n: int) -> None:
            self.summary.backfilled += n
            self._journal.renew_leases()
            advance(n)

        since = _now() - round(self._plan.backfill_s * MICROSECONDS)
        for _ in range(MOST_PASSES):
            until = _now()
            self._fill(Span(since, until), count, is_stopping)
            if is_stopping() or _now() - until < BEHIND_S * MICROSECONDS:
                return

    def _fill(
        self, span: Span, count: Callable[[int], None], is_stopping: Callable[[], bool]
    ) -> None:
        for instrument in self._plan.instruments:
            if is_stopping():
                return
            gap = missing(self._journal, instrument.pk, span, self._plan.run_options)
            fill(self._journal, instrument.pk, gap, self._plan.run_options, count, is_stopping)

    def _opens_at(self) -> int | None:
        """Start of an empty history: as given, at the fixed date with a seed, or else now."""
        if self._plan.opens_at is not None or self._plan.run_options.seed is not None:
            return self._plan.opens_at
        return _now()

    def _live(self, is_stopping: Callable[[], bool]) -> None:
        starts = []
        for instrument in self._plan.instruments:
            tail = self._journal.tail(instrument.pk, QUOTES)
            opens_at = self._opens_at() if tail.seq == 0 else None
            starts.append(
                continue_history(self._journal, instrument.pk, self._plan.run_options, opens_at)
            )
        simulation = Simulation(starts, self._plan.speed, self._plan.duration_s)
        opened = [
            extension.open(self._journal, simulation, self._plan.options)
            for extension in extensions()
        ]
        self._extensions += [extension for extension in opened if extension is not None]
        driven: list[Simulation | LiveExtension] = [simulation, *self._extensions]
        metrics.SCHEDULE_LAG_SECONDS.set_function(lambda: max(each.lag_s for each in driven))
        metrics.LATE_SLOTS.set_function(lambda: simulation.late_slots)
        session = Session(self._journal, self._broadcaster.publish_state)
        try:
            session.run(
                driven,
                lambda: is_stopping() or bool(self._errors()),
                companions(self._broadcaster.publish_frames),
            )
        finally:
            self.summary.recorded = session.recorded[QUOTES.name]
            self.summary.late_slots = simulation.late_slots
            self.lags = [lag for thread in simulation.instruments for lag in thread.lags]
            for extension in self._extensions:
                self.summary.extensions |= extension.summary()
        for error in self._errors():
            raise error


def _now() -> int:
    """Return the current time in microseconds since 1970 UTC, rounded down to whole seconds."""
    return to_microseconds(timezone.now().replace(microsecond=0))
