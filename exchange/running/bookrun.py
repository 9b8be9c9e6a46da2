"""One running book: its market, and the records that the market's history becomes. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from exchange import metrics
from exchange.depth.depthbook import DepthBook
from exchange.depth.recording import BlockWriter
from exchange.engine.messages import REPORT
from exchange.flow.advances import Advance, joined
from exchange.flow.market import BookMarket
from exchange.flow.options import MarketOptions
from exchange.kinds import BLOCKS, CHECKPOINTS, EPISODES, FLOW, MESSAGES, TRADES
from market.kinds import Delivery, Kind, Rows
from market.timeframes import MICROSECONDS
from quotes.kinds import QUOTES, REGIMES
from quotes.law.walker import Start

CHECKPOINT_US: Final = 3_600 * MICROSECONDS
CHECKPOINT_SLOTS: Final = 20_000
"""Most slots from one checkpoint to the next, so that a restart repeats less than a second."""
_FIELDS: Final = ("kind", "side", "tif", "owner", "ticks", "lots")
_ORDER: Final = (QUOTES, REGIMES, FLOW, TRADES, EPISODES, MESSAGES, BLOCKS, CHECKPOINTS)


@dataclass(kw_only=True)
class Ends:
    """The seq of the newest record of each kind that a run numbers."""

    messages: int = 0
    blocks: int = 0
    checkpoints: int = 0


class BookRun:
    """Runs the market of one instrument and collects its records; the BookPort of the desk.

    All records since the last `take` are one bundle: history can be repeated up to the last block.
    """

    def __init__(self, instrument_id: int, market: BookMarket, ends: Ends, book: DepthBook) -> None:
        """`market` is at the newest block, where `book` holds its levels.

        `ends` are those of the recorded history.
        """
        self.instrument_id = instrument_id
        self.market = market
        self.owns_quotes = False
        """Whether quotes and regimes are among the records, because nobody else records them."""
        self._ends = ends
        self._writer = BlockWriter(instrument_id, ends.blocks, book)
        self._rows: dict[str, list[Rows]] = {}
        self._block_moment = self._moment
        self._checkpointed = (market.at, market.position.slot)

    @property
    def at(self) -> int:
        return self.market.at

    @property
    def mark(self) -> int:
        return self.market.mark

    @property
    def marked_at(self) -> int:
        law = self.market.place.law
        return law.at(self.slot - 1)

    @property
    def last(self) -> int:
        return self.market.last

    @property
    def trade_seq(self) -> int:
        return self.market.trade_seq

    @property
    def slot(self) -> int:
        """The slot in progress."""
        return self.market.position.slot

    @property
    def block_seq(self) -> int:
        """The seq of the newest block, recorded or to be recorded."""
        return self._writer.seq

    @property
    def has_records(self) -> bool:
        """Whether anything happened that must be recorded now, changes of levels aside."""
        return bool(self._rows)

    @property
    def has_changes(self) -> bool:
        """Whether levels changed since the last block."""
        return self._writer.pending > 0

    def best(self, side: int) -> int | None:
        return self.market.best(side)

    def levels(self, side: int, n: int) -> Rows:
        return self.market.levels(side, n)

    def advance(self, until: int, most_slots: int | None = None) -> Advance:
        """Let everything happen up to `until`; end `most_slots` slots at most."""
        made = self.market.advance(max(until, self.at), most_slots)
        self._note(made)
        return made

    def send(self, messages: Rows) -> Rows:
        """Execute messages of accounts now and log them; return the reports."""
        self._add(MESSAGES, self._logged(messages))
        reports, made = execute_each(self.market, messages)
        self._note(made)
        return reports

    def begin_run(self, start: Start) -> None:
        """Continue with another run of the law, and make a checkpoint."""
        self.market.begin_run(start)
        self.checkpoint()

    def choose(self, options: MarketOptions) -> None:
        """Continue with other options, and make a checkpoint. Call this between two slots."""
        self.market.choose(options)
        self.checkpoint()

    def checkpoint_if_due(self) -> None:
        """Make a checkpoint in each simulated hour, and more often if slots are short."""
        at, slot = self._checkpointed
        if self.at // CHECKPOINT_US > at // CHECKPOINT_US or self.slot - slot >= CHECKPOINT_SLOTS:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Record the state of the market, with a block at the same position."""
        self._end_block()
        self._ends.checkpoints += 1
        row = np.zeros(1, CHECKPOINTS.dtype)
        row[0] = (
            self.instrument_id,
            self._ends.checkpoints,
            self.at,
            *self.market.position,
            self.trade_seq,
            self._ends.messages,
            self._writer.seq,
            self.market.snapshot(),
        )
        self._add(CHECKPOINTS, row)
        self._checkpointed = (self.at, self.slot)

    def take(self) -> list[Delivery]:
        """Return the records since the last call, with a block that ends at this position.

        Return nothing if nothing happened, not even time passed.
        """
        self._end_block()
        rows, self._rows = self._rows, {}
        return [
            Delivery(kind, np.concatenate(rows[kind.name])) for kind in _ORDER if kind.name in rows
        ]

    def _end_block(self) -> None:
        if self.has_changes or self._moment != self._block_moment:
            self._add(BLOCKS, self._writer.take(self.at, *self.market.position))
            self._block_moment = self._moment

    @property
    def _moment(self) -> tuple[int, ...]:
        """What differs between two moments, changes of levels aside."""
        return (self.at, *self.market.position, self.trade_seq, self._ends.messages)

    def _note(self, made: Advance) -> None:
        self._writer.add(made.updates)
        if self.owns_quotes:
            self._add(QUOTES, made.quotes)
            self._add(REGIMES, made.regimes)
        self._add(FLOW, made.flow)
        self._add(TRADES, made.trades)
        self._add(EPISODES, made.episodes)
        metrics.SLOTS.inc(len(made.quotes))
        metrics.TRADES.inc(len(made.trades))
        metrics.UPDATES.inc(len(made.updates))

    def _add(self, kind: Kind, rows: Rows) -> None:
        if len(rows):
            self._rows.setdefault(kind.name, []).append(rows)

    def _logged(self, messages: Rows) -> Rows:
        """Return the records of messages that are executed now."""
        rows = np.zeros(len(messages), MESSAGES.dtype)
        rows["instrument"] = self.instrument_id
        rows["seq"] = self._ends.messages + 1 + np.arange(len(messages))
        rows["at"] = self.at
        rows["slot"], rows["event"] = self.market.position
        rows["order"] = messages["order_id"]
        for name in _FIELDS:
            rows[name] = messages[name]
        self._ends.messages += len(messages)
        return rows


def execute_each(market: BookMarket, messages: Rows) -> tuple[Rows, Advance]:
    """Execute messages one by one, so that a repeated history has the same records.

    It does not know which messages were sent together.
    """
    reports, parts = [np.empty(0, REPORT)], []
    for i in range(len(messages)):
        found, made = market.execute(messages[i : i + 1])
        found["message"] = i
        reports.append(found)
        parts.append(made)
    return np.concatenate(reports), joined(parts)
