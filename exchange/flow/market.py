"""A simulated market: the book of one instrument, moved by its law and the background flow.

A BookMarket is deterministic: the run of the law, the options and the messages of accounts with
their positions fix everything, however the time in between is cut into calls.
"""

from dataclasses import fields
from typing import NamedTuple, Self

import numpy as np

from exchange.flow import reports
from exchange.flow.advances import EMPTY, Advance, joined, trade_rows, update_rows
from exchange.flow.events import IDS_PER_SLOT, METAORDERS, new_schedule
from exchange.flow.informed import share_of_regime
from exchange.flow.lawahead import LawAhead
from exchange.flow.metaorders import orders_left
from exchange.flow.openingbook import draw_opening, post_opening
from exchange.flow.options import MarketOptions
from exchange.flow.parameters import FlowParameters
from exchange.flow.philox import draw, stream_key
from exchange.flow.slots import FULL, Path, Stop, advance
from exchange.flow.snapshots import MarketSnapshot
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
    Moment,
    new_tape,
)
from exchange.kinds import FLOW
from exchange.matching import MatchingEngine
from exchange.messages import BUY, SELL
from exchange.orderbook import POOLED, RESTING, new_report_log, with_more_room
from market.kinds import Rows
from quotes.law.walker import Start

SLOTS_AHEAD = 1024
"""Most slots of one call of the kernel."""
FOREVER = 2**62
TRADES_ON_TAPE = 2**12
UPDATES_ON_TAPE = 2**14
PARAMETER_NAMES = tuple(field.name for field in fields(FlowParameters))


class Position(NamedTuple):
    """A place in history: `event` events of `slot` have been applied."""

    slot: int
    event: int


class Tails(NamedTuple):
    """The seq of the last record of each kind that a market numbers."""

    trades: int = 0
    flow: int = 0
    episodes: int = 0


class BookMarket:
    """The market of one instrument. Prices are in ticks, times in microseconds since 1970 UTC."""

    def __init__(self, law: LawAhead, engine: MatchingEngine, options: MarketOptions) -> None:
        """Use `open` or `restore`."""
        self.engine = engine
        self.options = options
        self._law = law
        self._state = np.zeros(STATE_SIZE, np.int64)
        self._at = law.began_at
        self._flow_seq = 0
        self._flow_due = True
        self._flow = self._new_flow()

    @classmethod
    def open(
        cls, start: Start, options: MarketOptions | None = None, tails: Tails | None = None
    ) -> Self:
        """Open a book with the slot that tick `start.next_seq` ends.

        `tails`: of the records that there are already. The first advance contains the opening book.
        """
        market = cls(LawAhead(start), MatchingEngine(), options or MarketOptions())
        tails = tails or Tails()
        state = market._state
        state[SLOT] = start.next_seq
        state[LAW] = state[LAST] = start.state.ticks
        state[AT] = market._at  # which is negative before 1970
        state[TRADE], market._flow_seq = tails.trades, tails.flow
        market._begin_metaorder()
        market._post_opening()
        return market

    @classmethod
    def restore(cls, snapshot: bytes) -> Self:
        """Return the market of which this is a snapshot. SnapshotError if it is none."""
        stored = MarketSnapshot.decode(snapshot)
        market = cls(LawAhead(stored.place), MatchingEngine.restore(stored.engine), stored.options)
        market._state[:] = stored.state
        market._at = stored.at
        market._flow_seq, market._flow_due = stored.flow_seq, stored.flow_due
        market._make_room()
        return market

    def snapshot(self) -> bytes:
        """Return the state of the market. Records that were not fetched are not part of it."""
        return MarketSnapshot(
            place=self._law.place,
            options=self.options,
            state=self._state.tolist(),
            at=self.at,
            flow_seq=self._flow_seq,
            flow_due=self._flow_due,
            engine=self.engine.snapshot(),
        ).encode()

    def _begin_metaorder(self) -> None:
        """Draw the metaorder in progress, so that signs are stationary from the first one on."""
        left, sign, _, _ = draw(self._flow.key, 0, self.position.slot, METAORDERS, 0)
        self._state[LEFT] = orders_left(left, self.options.parameters.alpha)
        self._state[SIGN] = BUY if sign < 0.5 else SELL

    def _post_opening(self) -> None:
        flow = self._flow
        counts = self.options.parameters.counts
        numbers = np.empty(2 * counts.size, np.int64)
        draw_opening(numbers, flow.key, counts, flow.state[SLOT])
        self._make_room(int(numbers.sum()))
        post_opening(self._flow, numbers, self._at)

    def _new_flow(self) -> Flow:
        law = self._law.law
        return Flow(
            self.engine.book,
            new_report_log(0),
            new_tape(0, 0),
            self._state,
            stream_key(law.seed, law.symbol, f"flow/{law.first_seq}"),
            stream_key(law.seed, law.symbol, f"informed/{law.first_seq}"),
            self.options.parameters.rates,
            new_schedule(),
        )

    @property
    def position(self) -> Position:
        return Position(int(self._state[SLOT]), int(self._state[EVENT]))

    @property
    def place(self) -> Start:
        """Where a walker starts that generates the tick at the end of the slot in progress next."""
        return self._law.place

    @property
    def interval_us(self) -> int:
        return self._law.law.interval_us

    @property
    def at(self) -> int:
        """The time up to which everything has happened."""
        return max(self._at, int(self._state[AT]))

    @property
    def mark(self) -> int:
        """The law's price."""
        return int(self._state[LAW])

    @property
    def last(self) -> int:
        """The price of the last trade; the law's price before the first one."""
        return int(self._state[LAST])

    @property
    def trade_seq(self) -> int:
        """The seq of the last trade."""
        return int(self._state[TRADE])

    def best(self, side: int) -> int | None:
        """Return the best price of a side, or None if nothing rests there."""
        return self.engine.best(side)

    def levels(self, side: int, n: int) -> Rows:
        """Return the best `n` levels of a side, best first: rows of ticks, lots, orders."""
        return self.engine.levels(side, n)

    def advance(self, until: int, most_slots: int | None = None) -> Advance:
        """Let everything happen that happens up to `until`; end `most_slots` slots at most."""
        last_slot = FOREVER if most_slots is None else self.position.slot + most_slots
        made = self._run(Stop(until, last_slot, 0))
        if self.position.slot < last_slot:
            self._at = max(self._at, until)
        return made

    def run_slots(self, n: int) -> Advance:
        """Let everything happen up to the end of the `n`-th slot from now."""
        return self._run(Stop(FOREVER, self.position.slot + n, 0))

    def advance_to(self, position: Position) -> Advance:
        """Let everything happen up to a position, e.g. where a message was executed."""
        return self._run(Stop(FOREVER, *position))

    def execute(self, messages: Rows, at: int | None = None) -> tuple[Rows, Advance]:
        """Execute messages of accounts at the present position; return REPORT rows and records.

        `at`: the time of the messages, the present by default. Raise ValueError if it is earlier.
        """
        at = self.at if at is None else at
        if at < self.at:
            raise ValueError(f"messages at {at}: the market has advanced to {self.at}")
        self._at = at
        moment = Moment(at, *self.position)
        instrument = self._law.law.instrument
        made = reports.execute(self.engine, self._state, messages, moment, instrument)
        self._flow = self._flow._replace(book=self.engine.book)
        return made

    def begin_run(self, start: Start) -> None:
        """Continue with another run of the law, which begins with the slot in progress.

        The book stays. Its events so far count; those of the new run follow. History can only be
        repeated across this point from a snapshot taken after it.
        """
        state = self._state
        if (start.next_seq, start.state.ticks) != (state[SLOT], state[LAW]):
            raise ValueError(
                f"run from slot {start.next_seq} at {start.state.ticks} ticks: the market is in "
                f"slot {state[SLOT]} at {state[LAW]} ticks"
            )
        self._law = LawAhead(start)
        self._at = max(self.at, self._law.began_at)
        state[APPLIED] = state[METAORDER] = 0
        state[BACKGROUND] = self.engine.book.state[POOLED]
        state[FIRST_ID] += IDS_PER_SLOT
        self._flow = self._new_flow()

    def choose(self, options: MarketOptions) -> None:
        """Continue with other options, recorded from the slot in progress on.

        History can only be repeated across this point from a snapshot taken after it.
        """
        self.options = options
        self._flow_due = True
        self._flow = self._new_flow()

    def _run(self, stop: Stop) -> Advance:
        parts: list[Advance] = []
        while (n := self._slots_before(stop)) > 0:
            first = self.position.slot
            code = advance(self._flow, self._path(n), stop)
            parts.append(self._fetch(self.position.slot - first))
            if code == FULL:
                self._make_room()
            elif self.position.slot < first + n:
                break
        return joined(parts)

    def _slots_before(self, stop: Stop) -> int:
        """Return the number of slots in which something may happen before the stop."""
        slot = self.position.slot
        begun = (stop.until - self._law.began_at) // self._law.law.interval_us + 1
        return min(SLOTS_AHEAD, begun, stop.slot - slot + (stop.event > 0))

    def _path(self, n: int) -> Path:
        law = self._law.law
        slot = self.position.slot
        kappa = self._law.shares(n, self._share_of)
        return Path(self._law.ticks(n), kappa, slot, law.at(slot), law.interval_us)

    def _share_of(self, number: int) -> float:
        share = self.options.informed
        return share_of_regime(self._flow.informed, number) if share is None else share

    def _fetch(self, slots: int) -> Advance:
        """Return what the tape holds and what `slots` that are over add; clear the tape."""
        tape = self._flow.tape
        trades, updates = tape.counts
        tape.counts[:] = 0
        flow = self._flow_rows(slots)
        passed = self._law.pass_slots(slots)
        return Advance(
            quotes=passed.quotes,
            regimes=passed.regimes,
            trades=trade_rows(self._law.law.instrument, tape.trades[:trades]),
            updates=update_rows(tape.updates[:updates]),
            flow=flow,
            episodes=EMPTY.episodes,
        )

    def _flow_rows(self, slots: int) -> Rows:
        """Return the records of the flow that begin in the next `slots` slots, just over."""
        first, law = self._law.next_seq, self._law.law
        begun = self._law.regimes(slots)
        if self._flow_due and slots > 0 and first not in begun:
            begun = {first: self._law.regime_number(first)} | begun
        self._flow_due &= slots == 0
        rows = np.empty(len(begun), FLOW.dtype)
        parameters = self.options.parameters
        for row, (seq, number) in zip(rows, begun.items(), strict=True):
            self._flow_seq += 1
            row["instrument"], row["seq"], row["at"] = law.instrument, self._flow_seq, law.at(seq)
            row["first_slot"], row["kappa"] = seq, self._share_of(number)
            for name in PARAMETER_NAMES:
                row[name] = getattr(parameters, name)
        return rows

    def _make_room(self, orders: int = MOST_RESTED) -> None:
        """Make room for that many more orders, in the book and for what they do on the tape."""
        self.engine.book = with_more_room(self.engine.book, orders)
        most = int(self.engine.book.state[RESTING]) + orders + MOST_RESTED
        self._flow = self._flow._replace(
            book=self.engine.book,
            log=new_report_log(2 * most),
            tape=new_tape(max(2 * most, TRADES_ON_TAPE), max(4 * most, UPDATES_ON_TAPE)),
        )
