"""Stored history as a live source: the ticks of one instrument happen again in another.

Times stay those of the history, so that the candles come out the same; only the pace is that
of the wall clock, original distances / speed. A replay goes on where an earlier one into the
same instrument stopped.
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
"""Ticks that fall due within it travel together."""
STOP_S = 3.0
"""After a stop, this long for a read that hangs; the thread is left to itself then."""
LONGEST_WAIT_S = 0.5
"""After it the clock and the stop are looked at again."""


class ReplayRefusedError(ValueError):
    """There is nothing to replay, or not into this instrument."""


@dataclass(frozen=True)
class Part:
    """What to replay: ticks of `source` with start <= at < end (None: all)."""

    source: Instrument
    start: datetime | None = None
    end: datetime | None = None


def prepare(part: Part, symbol: str) -> tuple[Instrument, int]:
    """Return the instrument to replay into, made if it is new, and the ticks still to be played.

    Raise ReplayRefusedError, or ValidationError for a symbol that is none; then nothing was made.
    """
    quotes = Quote.objects.between(part.source, part.start, part.end)
    if not quotes.exists():
        raise ReplayRefusedError(f"{part.source.symbol} has no quotes there to replay")
    target = Instrument.objects.filter(symbol=symbol).first()
    if target is None:
        return make_target(part.source, symbol), quotes.count()
    refuse_unfit(part.source, target)
    latest = Quote.objects.latest_of(target)
    if latest is None:
        return target, quotes.count()
    count = quotes.filter(at__gt=latest.at).count()
    if not count:
        raise ReplayRefusedError(
            f"{symbol} already reaches {latest.at.isoformat()}, nothing of {part.source.symbol} "
            "is left after it: use another symbol"
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


def refuse_unfit(source: Instrument, target: Instrument) -> None:
    """Raise ReplayRefusedError where the ticks of `source` would be wrong in `target`."""
    if target == source:
        raise ReplayRefusedError(
            f"{target.symbol} cannot be replayed into itself: name another with --as"
        )
    if target.tick_size != source.tick_size:
        raise ReplayRefusedError(
            f"the tick size of {target.symbol} is {target.tick_size.normalize():f}, "
            f"that of {source.symbol} {source.tick_size.normalize():f}"
        )
    if Run.objects.filter(instrument=target).exists():
        raise ReplayRefusedError(
            f"{target.symbol} is simulated, its regimes would not be the truth about other "
            "quotes: replay into another symbol"
        )


def read_part(part: Part, after: int | None) -> Iterator[tuple[list[int], list[int]]]:
    """Yield times (microseconds) and prices (ticks) of `part` later than `after`, in chunks."""
    while True:
        quotes = Quote.objects.between(part.source, part.start, part.end)
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
    """Yield the ticks of `chunks` when they are due, those due together in one piece.

    The first is due at once, every other its distance to the first / `speed` later. `clock` gives
    seconds; `stop` ends the iteration, its `wait` sleeps.
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
    """Delivers chunks of ticks when they are due, in a thread of its own."""

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
        except Exception as error:  # raised again by the owner of the replay
            self.error = error
        finally:
            connection.close()


class Replay:
    """Plays `part` into `target` at `speed` (original seconds per second) until its end."""

    def __init__(
        self,
        part: Part,
        target: Instrument,
        speed: float,
        broadcaster: Broadcaster,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.part, self.target, self.speed = part, target, speed
        self.recorded = 0
        self._broadcaster = broadcaster
        self._clock = clock
        self._journal = Journal([target], publish=broadcaster.publish)

    def run(self, stop: threading.Event, advance: Callable[[int], None] = lambda n: None) -> int:
        """Play to the end, or until `stop` is set; return the number of ticks recorded.

        Raise LeaseHeldError, or what stopped the journal.
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
        for times, prices in read_part(self.part, after):
            seqs = np.arange(seq + 1, seq + 1 + len(times))
            yield tick_array(self.target.pk, seqs, np.array(times), np.array(prices))
            seq += len(times)
