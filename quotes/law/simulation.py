"""The simulated market: one thread per instrument and one that draws the regimes.

A `Source` of ticks without access to the database or the network.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from market.kinds import Delivery
from quotes.law.pace import Pace
from quotes.law.randomwalk import RegimeSpan
from quotes.law.walker import Start, Walker

Put = Callable[[tuple[Delivery, ...]], bool]

REGIMES_AHEAD = 2
STACK_BYTES = 256 * 1024
THREAD_START_S = 0.001
"""Delay of the first slot per instrument, so that all threads are running by then."""
STAGGER_S = 0.0002
"""Offset between the slots of consecutive instruments, so that threads do not all wake at once."""


class RegimesEndedError(Exception):
    """The regime thread stopped, so the simulation ends."""


class RegimeFeed:
    """The queue of one instrument's regimes between the regime thread and the instrument thread."""

    def __init__(self, spans: Iterator[RegimeSpan], wanted: threading.Semaphore) -> None:
        self._spans = spans
        self._wanted = wanted
        self._ready: deque[RegimeSpan] = deque()
        self._arrived = threading.Condition()
        self._closed = False

    def draw(self) -> None:
        """Draw until REGIMES_AHEAD regimes are ready. Called by the regime thread."""
        while len(self._ready) < REGIMES_AHEAD:
            span = next(self._spans)
            with self._arrived:
                self._ready.append(span)
                self._arrived.notify()

    def close(self) -> None:
        with self._arrived:
            self._closed = True
            self._arrived.notify()

    def __iter__(self) -> Iterator[RegimeSpan]:
        return self

    def __next__(self) -> RegimeSpan:
        """Return the next regime, waiting for it. Called by the instrument thread.

        Raise RegimesEndedError once the feed is closed and empty.
        """
        with self._arrived:
            while not self._ready and not self._closed:
                self._wanted.release()
                self._arrived.wait()
            if not self._ready:
                raise RegimesEndedError
            span = self._ready.popleft()
        self._wanted.release()
        return span


class RegimeThread(threading.Thread):
    """Draws the regimes of all instruments ahead of time."""

    def __init__(self) -> None:
        super().__init__(name="regimes", daemon=True)
        self.feeds: list[RegimeFeed] = []
        self._wanted = threading.Semaphore(0)
        self._stopping = False

    def feed(self, spans: Iterator[RegimeSpan]) -> RegimeFeed:
        """Return a feed for one more instrument. Call this before the thread starts."""
        feed = RegimeFeed(spans, self._wanted)
        self.feeds.append(feed)
        return feed

    def run(self) -> None:
        while not self._stopping:
            for feed in self.feeds:
                feed.draw()
            self._wanted.acquire()

    def stop(self) -> None:
        self._stopping = True
        self._wanted.release()
        for feed in self.feeds:
            feed.close()


class Handover(NamedTuple):
    """What another source needs to continue the ticks of an instrument.

    `walker` stands before the next tick, and `pace` says when it is due. The last tick is
    `last_seq` (None: when stopped).
    """

    walker: Walker
    pace: Pace
    last_seq: int | None


class InstrumentThread(threading.Thread):
    """Generates the ticks of one instrument when they are due and puts them into the intake."""

    def __init__(
        self,
        walker: Walker,
        pace: Pace,
        last_seq: int | None,
        put: Put,
        clock: Callable[[], float],
    ) -> None:
        """End after tick `last_seq` (None: when stopped); `clock` returns monotonic seconds."""
        super().__init__(name=f"instrument {walker.law.symbol}", daemon=True)
        self.pace = pace
        self.next_seq = walker.next_seq
        """The tick after those that the intake has."""
        self.lags: deque[float] = deque(maxlen=1000)
        self._walker = walker
        self._put = put
        self._last_seq = last_seq
        self._clock = clock
        self._stopping = threading.Event()

    @property
    def instrument_id(self) -> int:
        return self._walker.law.instrument

    def stop(self) -> None:
        self._stopping.set()

    def release(self) -> Handover:
        """Stop between two ticks; return what another source needs to continue."""
        self.stop()
        self.join()
        return Handover(self._walker, self.pace, self._last_seq)

    def run(self) -> None:
        try:
            while self._last_seq is None or self._walker.next_seq <= self._last_seq:
                wait = self.pace.next_at - self._clock()
                if wait > 0 and self._stopping.wait(max(wait, self.pace.shortest_wait)):
                    return
                if self._stopping.is_set() or not self._put_due():
                    return
        except RegimesEndedError:  # stopped while waiting for a regime
            return

    def _put_due(self) -> bool:
        """Put the ticks that are due; return False if the intake is closed."""
        now = self._clock()
        lag = now - self.pace.next_at
        n = self.pace.take_due(now)
        if n == 0:
            return True
        self.lags.append(lag)
        if self._last_seq is not None:
            n = min(n, self._last_seq + 1 - self._walker.next_seq)
        is_open = self._put(self._walker.take(n))
        self.next_seq = self._walker.next_seq
        return is_open


class Simulation:
    """Owns the threads of a simulated market: starts, joins and stops them."""

    def __init__(
        self,
        starts: Sequence[Start],
        speed: float,
        duration_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Simulate one instrument per start, `speed` simulated seconds per second.

        `duration_s` of wall time is converted into a number of ticks, so that the last tick does
        not depend on the speed of the machine. Raise ValueError unless speed > 0.
        """
        if not speed > 0:
            raise ValueError(f"speed {speed}: use a positive number, 1 for real time")
        self.regimes = RegimeThread()
        self.instruments: list[InstrumentThread] = []
        self._starts = [
            (start, self.regimes.feed(start.law.spans(start.regime))) for start in starts
        ]
        self._speed = speed
        self._duration_s = duration_s
        self._clock = clock

    def _instrument(self, walker: Walker, started: float, put: Put) -> InstrumentThread:
        period = walker.law.interval_us / 1_000_000 / self._speed
        phase = len(self.instruments) * STAGGER_S % period
        last_seq = None
        if self._duration_s is not None:
            last_seq = walker.next_seq + round(self._duration_s / period) - 1
        pace = Pace(started + phase, period)
        return InstrumentThread(walker, pace, last_seq, put, self._clock)

    @property
    def late_slots(self) -> int:
        """Number of late slots of all instruments."""
        return sum(thread.pace.late_slots for thread in self.instruments)

    @property
    def lag_s(self) -> float:
        """Lag in seconds of the instrument furthest behind its schedule, 0 if none is behind."""
        now = self._clock()
        alive = [thread for thread in self.instruments if thread.is_alive()]
        newest = [thread.lags[-1] for thread in alive if thread.lags]
        return max([0.0, *newest, *(now - thread.pace.next_at for thread in alive)])

    @property
    def is_running(self) -> bool:
        return any(thread.is_alive() for thread in self.instruments)

    def join(self, timeout: float) -> None:
        """Wait up to `timeout` s for all instrument threads to end."""
        deadline = time.monotonic() + timeout
        for thread in self.instruments:
            thread.join(max(0, deadline - time.monotonic()))

    def start(self, put: Put) -> None:
        """Start all threads; each passes its ticks to `put`, which returns False once closed."""
        self.regimes.start()
        walkers = [Walker(*start, feed) for start, feed in self._starts]
        started = self._clock() + len(walkers) * THREAD_START_S
        for walker in walkers:
            self.instruments.append(self._instrument(walker, started, put))
        previous = threading.stack_size(STACK_BYTES)
        try:
            for thread in self.instruments:
                thread.start()
        finally:
            threading.stack_size(previous)

    def release(self, instrument_id: int) -> Handover:
        """Stop the thread of one instrument between two ticks, so that another source continues.

        Its late slots still count in `late_slots`. Raise KeyError for an instrument that this
        simulation does not run.
        """
        return self._thread(instrument_id).release()

    def next_seq(self, instrument_id: int) -> int:
        """Return the tick of an instrument that follows those in the intake; raise KeyError."""
        return self._thread(instrument_id).next_seq

    def _thread(self, instrument_id: int) -> InstrumentThread:
        for thread in self.instruments:
            if thread.instrument_id == instrument_id:
                return thread
        raise KeyError(f"instrument {instrument_id} is not in this simulation")

    def finish(self) -> None:
        """Do nothing: every tick that was due is in the intake."""

    def stop(self) -> None:
        """Stop all threads and wait for them."""
        self.regimes.stop()
        for thread in self.instruments:
            thread.stop()
        for thread in self.instruments:
            thread.join()
        self.regimes.join()
