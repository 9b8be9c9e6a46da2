"""Generation of one instrument's ticks and regimes from its law."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from market.kinds import Delivery
from market.ticks import TICK, Ticks, tick_array
from quotes.kinds import QUOTES, REGIMES
from quotes.law.randomwalk import (
    DRAWS_PER_REGIME,
    RegimeLaw,
    RegimeSpan,
    WalkState,
    generator,
    regime_spans,
    step,
    walk,
)


@dataclass(frozen=True)
class MarketLaw:
    """Everything that determines the ticks of one instrument from `first_seq` on.

    Tick first_seq + k is at started_at + k * interval_us (microseconds since 1970 UTC). `start` is
    the price and direction before the first tick; `first_regime` is the seq of the regime that
    begins with it.
    """

    instrument: int
    symbol: str
    seed: int
    interval_us: int
    first_seq: int
    started_at: int
    start: WalkState
    regimes: RegimeLaw
    first_regime: int = 1

    def __post_init__(self) -> None:
        if self.interval_us < 1:
            raise ValueError(f"interval of {self.interval_us} microseconds: use at least 1")

    def at(self, seq: int) -> int:
        """Return the time of tick `seq`."""
        return self.started_at + (seq - self.first_seq) * self.interval_us

    def spans(self, regime: "RegimePlace | None" = None) -> Iterator[RegimeSpan]:
        """Yield the schedule of regimes from `regime` on, in steps counted from tick first_seq."""
        number, first = regime or (0, 0)
        stream = f"regimes/{self.first_seq}"
        rng = generator(self.seed, self.symbol, stream, skip=DRAWS_PER_REGIME * number)
        return regime_spans(rng, self.interval_us / 1_000_000, self.regimes, first, number)


class RegimePlace(NamedTuple):
    """The position of a regime in the schedule: its number, from 0, and its first step."""

    number: int
    first: int


class Start(NamedTuple):
    """Arguments of a `Walker`: law, next tick, state before it, regime at or before it."""

    law: MarketLaw
    next_seq: int
    state: WalkState
    regime: RegimePlace = RegimePlace(0, 0)


class Walker:
    """Generates ticks of one MarketLaw from any tick on; n calls of `take(1)` equal `take(n)`."""

    def __init__(
        self,
        law: MarketLaw,
        next_seq: int,
        state: WalkState,
        regime: RegimePlace | None = None,
        spans: Iterator[RegimeSpan] | None = None,
    ) -> None:
        """Start before tick `next_seq` in `state`.

        `regime`, at or before that tick, saves drawing the schedule from its beginning. `spans`
        replaces law.spans(regime), e.g. by the feed of another thread.
        """
        self.law = law
        self.next_seq = next_seq
        self.state = state
        done = next_seq - law.first_seq
        self._rng = generator(law.seed, law.symbol, f"signs/{law.first_seq}", skip=done)
        self._spans = law.spans(regime) if spans is None else spans
        self._span = next(span for span in self._spans if span.end > done)

    def take(self, n: int) -> tuple[Delivery, ...]:
        """Return the next `n` ticks (n >= 1) and the regimes that begin with one of them."""
        first = self.next_seq
        regimes: list[tuple[int, int, int, float, int]] = []
        if n == 1:
            phi = self._phi_at(first, regimes)
            self.state = step(self.state, phi, self._rng.random())
            ticks = np.array(
                [(self.law.instrument, first, self.law.at(first), self.state.ticks)], dtype=TICK
            )
        else:
            ticks = self._stride(n, regimes)
        self.next_seq = first + n
        quotes = Delivery(QUOTES, ticks)
        if not regimes:
            return (quotes,)
        return quotes, Delivery(REGIMES, np.array(regimes, dtype=REGIMES.dtype))

    def _stride(self, n: int, regimes: list[tuple[int, int, int, float, int]]) -> Ticks:
        first, end = self.next_seq, self.next_seq + n
        phis: list[float] = []
        lengths: list[int] = []
        seq = first
        while seq < end:
            phis.append(self._phi_at(seq, regimes))
            last = min(end, self.law.first_seq + self._span.end)
            lengths.append(last - seq)
            seq = last
        prices, direction = walk(
            n, np.repeat(phis, lengths), self._rng, self.state.ticks, self.state.direction
        )
        self.state = WalkState(int(prices[-1]), direction)
        seqs = np.arange(first, end, dtype=np.int64)
        times = self.law.at(first) + np.arange(n, dtype=np.int64) * self.law.interval_us
        return tick_array(self.law.instrument, seqs, times, prices)

    def _phi_at(self, seq: int, regimes: list[tuple[int, int, int, float, int]]) -> float:
        """Return phi of tick `seq`; append its regime to `regimes` if it begins with this tick."""
        done = seq - self.law.first_seq
        while self._span.end <= done:
            self._span = next(self._spans)
        span, law = self._span, self.law
        if span.first == done:
            regime_seq = law.first_regime + span.number
            regimes.append((law.instrument, regime_seq, law.at(seq), span.phi, seq))
        return span.phi
