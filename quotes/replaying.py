"""Replay of stored history: publishes the ticks of one instrument live as another instrument.

Ticks keep their times, so the candles are identical. The pace is that of the wall clock: original
intervals / speed. A replay resumes where an earlier one into the same instrument stopped.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection
from django.db.models import BigIntegerField
from django.db.models.functions import Cast

from instruments.models import Instrument
from journal.intake import Bundle
from journal.journal import Journal
from journal.session import Session
from live.broadcast import Broadcaster
from market.kinds import Delivery
from market.ticks import Ticks, tick_array
from market.timeframes import MICROSECONDS
from market.times import from_microseconds
from quotes.kinds import QUOTES
from quotes.models import Quote, Run

CHUNK = 20_000
SHORTEST_WAIT_S = 0.01
"""Shortest wait; ticks due within it are published together."""
STOP_S = 3.0
"""Time after a stop for a read that hangs, after which the thread is abandoned."""
LONGEST_WAIT_S = 0.5
"""Longest wait before checking the clock and the stop event again."""


class ReplayRefusedError(ValueError):
    """There is nothing to replay, or the target instrument is unsuitable."""


@dataclass(frozen=True)
class ReplayRange:
    """The ticks of `source` with start <= at < end; None means no bound."""

    source: Instrument
    start: datetime | None = None
    end: datetime | None = None


def prepare(span: ReplayRange, symbol: str) -> tuple[Instrument, int]:
    """Return the instrument to replay into, created if necessary, and the number of ticks to play.

    Raise ReplayRefusedError, or ValidationError for an invalid symbol, and create nothing.
    """
    quotes = Quote.objects.between(span.source, span.start, span.end)
    count = quotes.span_length()
    if not count:
        raise ReplayRefusedError(f"{span.source.symbol} has no quotes in that time range")
    target = Instrument.objects.filter(symbol=symbol).first()
    if target is None:
        return make_target(span.source, symbol), count
    check_target(span.source, target)
    latest = Quote.objects.latest_of(target)
    if latest is None:
        return target, count
    count = quotes.filter(at__gt=latest.at).span_length()
    if not count:
        raise ReplayRefusedError(
            f"{symbol} already ends at {latest.at.isoformat()}, and {span.source.symbol} has no "
            "quotes after that: use another symbol"
        )
    return target, count


def make_target(source: Instrument, symbol: str) -> Instrument:
    target = Instrument(
        symbol=symbol,
        name=f"{source.name} (replay)"[:100],
        tick_size=source.tick_size,
        currency=source.currency,
        opening_ticks=source.opening_ticks,
    )
    target.full_clean()
    target.save()
    return target


def check_target(source: Instrument, target: Instrument) -> None:
    """Raise ReplayRefusedError if `target` cannot take the ticks of `source`."""
    if target == source:
        raise ReplayRefusedError(
            f"{target.symbol} cannot be replayed into itself: name another instrument with --as"
        )
    if target.tick_size != source.tick_size:
        raise ReplayRefusedError(
            f"the tick size of {target.symbol} is {target.tick_size.normalize():f}, "
            f"that of {source.symbol} {source.tick_size.normalize():f}"
        )
    if Run.objects.filter(instrument=target).exists():
        raise ReplayRefusedError(
            f"{target.symbol} is simulated, and its regimes would not match replayed quotes: "
            "use another symbol"
        )


def read_range(span: ReplayRange, after: int | None) -> Iterator[tuple[list[int], list[int]]]:
    """Yield times (microseconds) and prices (ticks) after `after`, in chunks."""
    while True:
        quotes = Quote.objects.between(span.source, span.start, span.end)
        if after is not None:
            quotes = quotes.filter(at__gt=from_microseconds(after))
        rows = list(quotes.values_list(Cast("at", BigIntegerField()), "ticks")[:CHUNK])
        if not rows:
            return
        times, prices = zip(*rows, strict=True)
        yield list(times), list(prices)
        after = times[-1]


def paced(
    chunks: Iterator[Ticks],
    speed: float,
    stop: threading.Event,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Ticks]:
    """Yield the ticks of `chunks` when they are due, ticks due together as one array.

    The first tick is due at once, every other one later by its distance to the first / `speed`.
    `clock` returns seconds; setting `stop` ends the iteration.
    """
    started, first = clock(), None
    for ticks in chunks:
        first = int(ticks["at"][0]) if first is None else first
        due = started + (ticks["at"] - first) / (MICROSECONDS * speed)
        done = 0
        while done < len(ticks):
            n = int(np.searchsorted(due, clock(), side="right"))
            if n > done:
                yield ticks[done:n]
                done = n
            if done < len(ticks):
                wait = due[done] - clock()
                if stop.wait(min(max(wait, SHORTEST_WAIT_S), LONGEST_WAIT_S)):
                    return
        if stop.is_set():
            return


class PacedSource:
    """A `Source` that delivers ticks when they are due, in its own thread."""

    def __init__(
        self,
        chunks: Iterator[Ticks],
        speed: float,
        advance: Callable[[int], None],
        clock: Callable[[], float],
    ) -> None:
        self.error: Exception | None = None
        self._chunks, self._speed = chunks, speed
        self._advance, self._clock = advance, clock
        self._stopping = threading.Event()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self, put: Callable[[Bundle], bool]) -> None:
        self._thread = threading.Thread(target=self._run, args=(put,), name="replay", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Do nothing: every tick that was due is in the intake."""

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(STOP_S)

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def _run(self, put: Callable[[Bundle], bool]) -> None:
        try:
            for piece in paced(self._chunks, self._speed, self._stopping, self._clock):
                if not put((Delivery(QUOTES, piece),)):
                    return
                self._advance(len(piece))
        except Exception as error:  # Replay.run raises it again
            self.error = error
        finally:
            connection.close()


class Replay:
    """Plays a range of history into `target` at `speed` original seconds per second."""

    def __init__(
        self,
        span: ReplayRange,
        target: Instrument,
        speed: float,
        broadcaster: Broadcaster,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.span, self.target, self.speed = span, target, speed
        self.recorded = 0
        self._broadcaster = broadcaster
        self._clock = clock
        self._journal = Journal([target], publish=broadcaster.publish)

    def run(self, stop: threading.Event, advance: Callable[[int], None] = lambda n: None) -> int:
        """Play to the end or until `stop` is set; return the number of ticks recorded.

        Raise LeaseHeldError or the error that stopped the journal or the reads.
        """
        with self._journal:
            tail = self._journal.tail(self.target.pk, QUOTES)
            ticks = self._ticks(tail.seq, tail.at if tail.seq else None)
            source = PacedSource(ticks, self.speed, advance, self._clock)
            session = Session(self._journal, self._broadcaster.publish_state)
            try:
                session.run([source], stop.is_set)
            finally:
                self.recorded = session.recorded[QUOTES.name]
        if source.error is not None:
            raise source.error
        return self.recorded

    def _ticks(self, seq: int, after: int | None) -> Iterator[Ticks]:
        for times, prices in read_range(self.span, after):
            seqs = np.arange(seq + 1, seq + 1 + len(times))
            yield tick_array(self.target.pk, seqs, np.array(times), np.array(prices))
            seq += len(times)
