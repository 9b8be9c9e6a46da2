"""Runs the kernel of the flow on a book, and collects what it records."""

from typing import NamedTuple

import numpy as np

from exchange.engine.messages import BUY, SELL
from exchange.engine.orderbook import POOLED, RESTING, new_report_log, with_more_room
from exchange.flow.advances import EMPTY, Advance, trade_rows, update_rows
from exchange.flow.flowrecords import FlowRecords
from exchange.flow.informed import share_of_regime
from exchange.flow.lawahead import LawAhead
from exchange.flow.metaorders import orders_left
from exchange.flow.openingbook import draw_opening, post_opening
from exchange.flow.options import MarketOptions
from exchange.flow.philox import Key, draw, stream_key
from exchange.flow.slotevents import IDS_PER_SLOT, METAORDERS, new_schedule
from exchange.flow.slots import FULL, Path, Stop, advance
from exchange.flow.state import (
    APPLIED,
    AT,
    BACKGROUND,
    EVENT,
    FIRST_ID,
    LAST,
    LAW,
    LEFT,
    METAORDER,
    MOST_RESTED,
    SIGN,
    SLOT,
    STATE_SIZE,
    TRADE,
    Flow,
    has_rows,
    new_tape,
    with_more_rows,
)
from exchange.matching import MatchingEngine

SLOTS_AHEAD = 1024
"""Most slots of one call of the kernel."""
TRADES_ON_TAPE = 2**12
UPDATES_ON_TAPE = 2**14


class Position(NamedTuple):
    """A place in history: `event` events of `slot` have been applied."""

    slot: int
    event: int


class Runner:
    """The engine's book under the flow of one run of the law."""

    def __init__(
        self, engine: MatchingEngine, law: LawAhead, options: MarketOptions, records: FlowRecords
    ) -> None:
        """Call `open`, or set the state, before `run`."""
        self.engine = engine
        self.law = law
        self.options = options
        self.records = records
        self.state = np.zeros(STATE_SIZE, np.int64)
        self._flow = Flow(
            engine.book,
            new_report_log(0),
            new_tape(0, 0),
            self.state,
            self._key("flow"),
            self._key("informed"),
            options.parameters.rates,
            new_schedule(),
        )
        self.make_room()

    def _key(self, stream: str) -> Key:
        law = self.law.law
        return stream_key(law.seed, law.symbol, f"{stream}/{law.first_seq}")

    @property
    def position(self) -> Position:
        return Position(int(self.state[SLOT]), int(self.state[EVENT]))

    def open(self, last_trade: int) -> None:
        """Set the state before the first slot and post the opening book."""
        state, counts = self.state, self.options.parameters.counts
        state[SLOT], state[AT] = self.law.next_seq, self.law.began_at
        state[LAW] = state[LAST] = self.law.place.state.ticks
        state[TRADE] = last_trade
        left, sign, _, _ = draw(self._flow.key, 0, self.position.slot, METAORDERS, 0)
        state[LEFT] = orders_left(left, self.options.parameters.alpha)
        state[SIGN] = BUY if sign < 0.5 else SELL
        numbers = np.empty(2 * counts.size, np.int64)
        draw_opening(numbers, self._flow.key, counts, self.position.slot)
        self.make_room(int(numbers.sum()))
        post_opening(self._flow, numbers, self.law.began_at)

    def run(self, stop: Stop) -> list[Advance]:
        """Apply events and steps up to the stop; return what they recorded."""
        parts: list[Advance] = []
        while (n := self._slots_before(stop)) > 0:
            first = self.position.slot
            code = advance(self._flow, self._path(n), stop)
            parts.append(self._fetch(self.position.slot - first))
            if code == FULL:
                self.make_room()
            elif self.position.slot < first + n:
                break
        return parts

    def unfetched(self) -> list[Advance]:
        """Return what is recorded but not returned yet, such as the opening book."""
        return [self._fetch(0)] if self._flow.tape.counts.any() else []

    def begin_run(self, law: LawAhead) -> None:
        """Continue with another run of the law in the slot in progress."""
        self.law = law
        state = self.state
        state[APPLIED] = state[METAORDER] = 0
        state[BACKGROUND] = self.engine.book.state[POOLED]
        state[FIRST_ID] += IDS_PER_SLOT
        self._flow = self._flow._replace(key=self._key("flow"), informed=self._key("informed"))

    def choose(self, options: MarketOptions) -> None:
        """Continue with other options."""
        self.options = options
        self.records.due = True
        self._flow = self._flow._replace(rates=options.parameters.rates)

    def make_room(self, orders: int = 0) -> None:
        """Make room for that many more orders and what they do on the tape, and for one event.

        Call this too if the engine's book was replaced by a larger one.
        """
        flow, engine = self._flow, self.engine
        orders += MOST_RESTED
        engine.book = with_more_room(engine.book, orders)
        most = int(engine.book.state[RESTING]) + orders
        log, tape = flow.log, flow.tape
        if log.rows.size < most:
            log = new_report_log(2 * most)
        if not has_rows(tape, most, 2 * most):
            trades, updates = max(2 * most, TRADES_ON_TAPE), max(4 * most, UPDATES_ON_TAPE)
            tape = with_more_rows(tape, trades, updates)
        self._flow = flow._replace(book=engine.book, log=log, tape=tape)

    def _slots_before(self, stop: Stop) -> int:
        """Return the number of slots in which something may happen before the stop."""
        begun = (stop.until - self.law.began_at) // self.law.law.interval_us + 1
        return min(SLOTS_AHEAD, begun, stop.slot - self.position.slot + (stop.event > 0))

    def _path(self, n: int) -> Path:
        law, slot = self.law.law, self.position.slot
        kappa = self.law.shares(n, self._share_of)
        return Path(self.law.ticks(n), kappa, slot, law.at(slot), law.interval_us)

    def _share_of(self, number: int) -> float:
        share = self.options.informed
        return share_of_regime(self._flow.informed, number) if share is None else share

    def _fetch(self, slots: int) -> Advance:
        """Return what the tape holds and what `slots` that are over add; clear the tape."""
        tape = self._flow.tape
        trades, updates = tape.counts
        tape.counts[:] = 0
        made = EMPTY.with_rows(
            trades=trade_rows(self.law.law.instrument, tape.trades[:trades]),
            updates=update_rows(tape.updates[:updates]),
        )
        if slots == 0:
            return made
        flow = self.records.of_slots(self.law, slots, self.options.parameters, self._share_of)
        passed = self.law.pass_slots(slots)
        return made.with_rows(quotes=passed.quotes, regimes=passed.regimes, flow=flow)
