"""The live market: one thread per instrument, one more that draws the regimes.

Sources of ticks: they know neither the database nor the network.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from quotes.intake import Intake
from quotes.pace import LONGEST_BURST_S, Pace
from quotes.randomwalk import RegimeSpan, WalkState
from quotes.walker import MarketLaw, Walker

REGIMES_AHEAD = 2
STACK_BYTES = 256 * 1024


class RegimeFeed:
    """The regimes of one instrument on their way from the regime thread to the instrument's."""

    def __init__(self, spans: Iterator[RegimeSpan], wanted: threading.Semaphore) -> None:
        self._spans = spans
        self._wanted = wanted
        self._ready: deque[RegimeSpan] = deque()
        self._arrived = threading.Condition()
        self._closed = False

    def draw(self) -> None:
        """Draw until enough regimes are ready (regime thread)."""
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
        """Return the next regime, waiting for it (instrument thread)."""
        with self._arrived:
            while not self._ready and not self._closed:
                self._wanted.release()
                self._arrived.wait()
            if not self._ready:
                raise StopIteration
            span = self._ready.popleft()
        self._wanted.release()
        return span


class RegimeThread(threading.Thread):
    """Changes the coefficients of all instruments: draws each regime before it is needed."""

    def __init__(self) -> None:
        super().__init__(name="regimes", daemon=True)
        self.feeds: list[RegimeFeed] = []
        self._wanted = threading.Semaphore(0)
        self._stopping = False

    def feed(self, spans: Iterator[RegimeSpan]) -> RegimeFeed:
        """Return the feed of one more instrument (before the thread starts)."""
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


class InstrumentThread(threading.Thread):
    """Moves the price of one instrument on its grid of times and hands the ticks over."""

    def __init__(
        self,
        make_walker: Callable[[], Walker],
        symbol: str,
        intake: Intake,
        pace: Pace,
        last_seq: int | None,
        clock: Callable[[], float],
    ) -> None:
        """`last_seq` ends the thread (None: until stopped); `clock` gives monotonic seconds."""
        super().__init__(name=f"instrument {symbol}", daemon=True)
        self.pace = pace
        self.lags: deque[float] = deque(maxlen=1000)
        self._make_walker = make_walker
        self._intake = intake
        self._last_seq = last_seq
        self._clock = clock
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        try:
            walker = self._make_walker()
        except StopIteration:  # stopped before the first regime came
            return
        shortest_wait = min(self.pace.period, LONGEST_BURST_S)
        while self._last_seq is None or walker.next_seq <= self._last_seq:
            wait = self.pace.next_at - self._clock()
            if self._stopping.wait(max(wait, shortest_wait) if wait > 0 else 0):
                return
            now = self._clock()
            lag = now - self.pace.next_at
            n = self.pace.take_due(now)
            if n == 0:
                continue
            self.lags.append(lag)
            if self._last_seq is not None:
                n = min(n, self._last_seq + 1 - walker.next_seq)
            if n and not self._intake.put(walker.take(n)):
                return


class Simulation:
    """All threads of a live market; start, wait, stop."""

    def __init__(
        self,
        starts: Sequence[tuple[MarketLaw, int, WalkState]],
        intake: Intake,
        speed: float,
        duration_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`starts`: per instrument its law, the next seq and the state before it.

        `speed` simulated seconds pass in one second. `duration_s` (of wall time) is turned into
        a number of ticks, so that it ends at the same tick however slow the machine is.
        """
        if not speed > 0:
            raise ValueError(f"speed {speed}: use a positive number, 1 for real time")
        self.regimes = RegimeThread()
        self.instruments = []
        started = clock()
        for law, next_seq, state in starts:
            feed = self.regimes.feed(law.spans())
            period = law.interval_us / 1_000_000 / speed
            ticks = None if duration_s is None else round(duration_s / period)
            self.instruments.append(
                InstrumentThread(
                    lambda law=law, next_seq=next_seq, state=state, feed=feed: Walker(  # type: ignore[misc]
                        law, next_seq, state, feed
                    ),
                    law.symbol,
                    intake,
                    Pace(started, period),
                    None if ticks is None else next_seq + ticks - 1,
                    clock,
                )
            )

    @property
    def late_slots(self) -> int:
        """Slots that came too late, over all instruments."""
        return sum(thread.pace.late_slots for thread in self.instruments)

    @property
    def is_running(self) -> bool:
        return any(thread.is_alive() for thread in self.instruments)

    def join(self, timeout: float) -> None:
        """Wait up to `timeout` s for the end of all instruments."""
        deadline = time.monotonic() + timeout
        for thread in self.instruments:
            thread.join(max(0, deadline - time.monotonic()))

    def start(self) -> None:
        previous = threading.stack_size(STACK_BYTES)
        try:
            self.regimes.start()
            for thread in self.instruments:
                thread.start()
        finally:
            threading.stack_size(previous)

    def stop(self) -> None:
        """End all threads; what they handed over stays in the intake."""
        self.regimes.stop()
        for thread in self.instruments:
            thread.stop()
        for thread in self.instruments:
            thread.join()
        self.regimes.join()
