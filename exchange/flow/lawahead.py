"""The law of a book's slots, drawn ahead of them."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from market.kinds import Rows
from market.ticks import TICK, Ticks
from quotes.kinds import REGIMES
from quotes.law.randomwalk import RegimeSpan, WalkState
from quotes.law.walker import RegimePlace, Start, Walker

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Passed(NamedTuple):
    """What the law recorded in slots that are over."""

    quotes: Ticks
    regimes: Rows


class LawAhead:
    """Draws the ticks of one run of the law ahead; `next_seq` is the slot in progress."""

    def __init__(self, start: Start) -> None:
        self.law = start.law
        self.next_seq = start.next_seq
        self._state = start.state
        self._spans: deque[RegimeSpan] = deque()
        spans = self._noted(start.law.spans(start.regime))
        self._walker = Walker(start.law, start.next_seq, start.state, spans=spans)
        self._quotes: Ticks = np.empty(0, TICK)
        self._regimes: Rows = np.empty(0, REGIMES.dtype)
        self._drop_past_spans()

    def _noted(self, spans: Iterator[RegimeSpan]) -> Iterator[RegimeSpan]:
        for span in spans:
            self._spans.append(span)
            yield span

    @property
    def began_at(self) -> int:
        """When the slot in progress began."""
        return self.law.at(self.next_seq) - self.law.interval_us

    @property
    def place(self) -> Start:
        """The start of a walker whose next tick ends the slot in progress.

        It names the regime of that slot, so that equal histories have equal places.
        """
        self._draw(1)
        self._drop_past_spans()
        span = self._spans[0]
        return Start(self.law, self.next_seq, self._state, RegimePlace(span.number, span.first))

    def ticks(self, n: int) -> Integers:
        """Return the price before the slot in progress and after `n` slots, shape (n + 1,)."""
        self._draw(n)
        return np.concatenate(([self._state.ticks], self._quotes["ticks"][:n]))

    def shares(self, n: int, share_of: Callable[[int], float]) -> Floats:
        """Return `share_of` the number of the regime in each of the next `n` slots, shape (n,)."""
        self._draw(n)
        first = self.next_seq - self.law.first_seq
        if self._spans[0].end >= first + n:  # as in nearly every step of a live market
            return np.full(n, share_of(self._spans[0].number), np.float64)
        shares = np.array([share_of(span.number) for span in self._spans], np.float64)
        ends = np.array([min(span.end, first + n) for span in self._spans])
        return np.repeat(shares, np.diff(np.maximum(ends, first), prepend=first))

    def regime_number(self, seq: int) -> int:
        """Return the number of the regime of slot `seq`, one of those that were drawn."""
        done = seq - self.law.first_seq
        return next(span.number for span in self._spans if span.end > done)

    def regimes(self, n: int) -> dict[int, int]:
        """Return the first slot and the number of each regime that begins in the next `n` slots."""
        self._draw(n)
        begun = self._regimes[self._regimes["first_seq"] < self.next_seq + n]
        numbers = begun["seq"] - self.law.first_regime
        return dict(zip(begun["first_seq"].tolist(), numbers.tolist(), strict=True))

    def pass_slots(self, n: int) -> Passed:
        """Leave `n` slots behind; return their records."""
        quotes, self._quotes = self._quotes[:n], self._quotes[n:]
        if n == 0:
            return Passed(quotes, self._regimes[:0])
        before = self._state.ticks if n == 1 else int(quotes["ticks"][-2])
        last = int(quotes["ticks"][-1])
        self._state = WalkState(last, last - before)
        self.next_seq += n
        begun = int(np.searchsorted(self._regimes["first_seq"], self.next_seq))
        regimes, self._regimes = self._regimes[:begun], self._regimes[begun:]
        self._drop_past_spans()
        return Passed(quotes, regimes)

    def _draw(self, n: int) -> None:
        missing = n - len(self._quotes)
        if missing > 0:
            quotes, *regimes = self._walker.take(missing)
            self._quotes = np.concatenate((self._quotes, quotes.rows))
            self._regimes = np.concatenate((self._regimes, *(made.rows for made in regimes)))

    def _drop_past_spans(self) -> None:
        done = self.next_seq - self.law.first_seq
        while len(self._spans) > 1 and self._spans[0].end <= done:
            self._spans.popleft()
