"""A simulated market: the book of one instrument, moved by its law and the background flow.

A BookMarket is deterministic: the run of the law, the options and the messages of accounts with
their positions fix everything, however the time in between is cut into calls.
"""

from typing import NamedTuple, Self

from exchange.flow import messaging
from exchange.flow.advances import Advance, joined
from exchange.flow.episodes import Episode
from exchange.flow.flowrecords import FlowRecords
from exchange.flow.lawahead import LawAhead
from exchange.flow.options import MarketOptions
from exchange.flow.programme import FOREVER, Programme
from exchange.flow.runner import Position, Runner
from exchange.flow.slots import Stop
from exchange.flow.snapshots import MarketSnapshot
from exchange.flow.state import AT, EVENT, FIRST_ID, LAST, LAW, TRADE, Moment
from exchange.matching import MatchingEngine
from market.kinds import Rows
from quotes.law.walker import Start

__all__ = ["BookMarket", "MarketOptions", "Position", "Tails"]


class Tails(NamedTuple):
    """The seq of the last record of each kind that a market numbers."""

    trades: int = 0
    flow: int = 0
    episodes: int = 0


class BookMarket:
    """The market of one instrument. Prices are in ticks, times in microseconds since 1970 UTC."""

    def __init__(self, runner: Runner, programme: Programme, at: int) -> None:
        """Use `open` or `restore`."""
        self._runner = runner
        self._programme = programme
        self._at = at

    @classmethod
    def open(
        cls, start: Start, options: MarketOptions | None = None, tails: Tails | None = None
    ) -> Self:
        """Open a book with the slot that tick `start.next_seq` ends.

        `tails`: of the records that there are already. The first advance contains the opening book.
        """
        tails = tails or Tails()
        records = FlowRecords(tails.flow)
        law = LawAhead(start)
        runner = Runner(MatchingEngine(), law, options or MarketOptions(), records)
        runner.open(tails.trades)
        return cls(runner, Programme(tails.episodes), law.began_at)

    @classmethod
    def restore(cls, snapshot: bytes) -> Self:
        """Return the market of which this is a snapshot. SnapshotError if it is none."""
        stored = MarketSnapshot.decode(snapshot)
        engine = MatchingEngine.restore(stored.engine)
        records = FlowRecords(stored.flow_seq, due=stored.flow_due)
        runner = Runner(engine, LawAhead(stored.place), stored.options, records)
        runner.state[:] = stored.state
        return cls(runner, Programme.from_json(stored.programme), stored.at)

    def snapshot(self) -> bytes:
        """Return the state of the market. Records that were not fetched are not part of it."""
        runner = self._runner
        return MarketSnapshot(
            place=self.place,
            options=self.options,
            state=runner.state.tolist(),
            at=self.at,
            flow_seq=runner.records.seq,
            flow_due=runner.records.due,
            programme=self._programme.as_json(),
            engine=self.engine.snapshot(),
        ).encode()

    @property
    def engine(self) -> MatchingEngine:
        return self._runner.engine

    @property
    def options(self) -> MarketOptions:
        return self._runner.options

    @property
    def position(self) -> Position:
        return self._runner.position

    @property
    def place(self) -> Start:
        """Where a walker starts that generates the tick at the end of the slot in progress next."""
        return self._runner.law.place

    @property
    def interval_us(self) -> int:
        return self.place.law.interval_us

    @property
    def at(self) -> int:
        """The time up to which everything has happened."""
        return max(self._at, int(self._runner.state[AT]))

    @property
    def mark(self) -> int:
        """The law's price."""
        return int(self._runner.state[LAW])

    @property
    def last(self) -> int:
        """The price of the last trade; the law's price before the first one."""
        return int(self._runner.state[LAST])

    @property
    def trade_seq(self) -> int:
        """The seq of the last trade."""
        return int(self._runner.state[TRADE])

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
        before = self._runner.unfetched()
        reports, made = self._execute(messages, at)
        return reports, joined([*before, made])

    def _execute(self, messages: Rows, at: int) -> tuple[Rows, Advance]:
        moment = Moment(at, *self.position)
        instrument = self.place.law.instrument
        made = messaging.execute(self.engine, self._runner.state, messages, moment, instrument)
        self._runner.make_room()
        return made

    def begin_run(self, start: Start) -> None:
        """Continue with another run of the law, which begins with the slot in progress.

        The book stays. Its events so far count; those of the new run follow. History can only be
        repeated across this point from a snapshot taken after it.
        """
        slot = self.position.slot
        if (start.next_seq, start.state.ticks) != (slot, self.mark):
            raise ValueError(
                f"run from slot {start.next_seq} at {start.state.ticks} ticks: the market is in "
                f"slot {slot} at {self.mark} ticks"
            )
        law = LawAhead(start)
        self._at = max(self.at, law.began_at)
        self._programme.interrupt(start.next_seq, self._at)
        self._runner.begin_run(law)

    def choose(self, options: MarketOptions) -> None:
        """Continue with other options, recorded from the slot in progress on.

        History can only be repeated across this point from a snapshot taken after it.
        """
        self._runner.choose(options)
        self._programme.reconsider(self.position.slot)

    def _run(self, stop: Stop) -> Advance:
        """Advance to the stop, from batch to batch of the episodes on the way."""
        parts: list[Advance] = []
        runner, programme = self._runner, self._programme
        end = (stop.slot, stop.event)
        while True:
            programme.plan(runner.law, self.options, int(runner.state[FIRST_ID]))
            place = min(end, (programme.planned_to, 0))
            parts += runner.run(Stop(min(stop.until, programme.next_at), *place))
            if self.position >= end:
                break
            if self.position < place:
                if programme.episode is None or programme.next_at > stop.until:
                    break
                parts.append(self._play(programme.episode))
        return joined(parts)

    def _play(self, episode: Episode) -> Advance:
        """Execute the next batch of an episode, which is an event of the slot."""
        state = self._runner.state
        at, messages = episode.batches[episode.played]
        at = max(at, self.at)
        if episode.played == 0:
            episode.begin(at, self.trade_seq + 1)
        episode.played += 1
        state[AT] = at
        state[EVENT] += 1
        _, made = self._execute(messages, at)
        if episode.is_over:
            record = self._programme.end(self.place.law.instrument, at, self.trade_seq)
            made = made.with_rows(episodes=record)
        return made
