"""Audit check of books: seed and messages alone give every trade, every change and every state."""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np

from archive import records
from archive.auditing import Check, Report, last_seq_of
from exchange.depth.blocks import CorruptBlockError, Matrix, decode_all, matrix
from exchange.engine.snapshots import SnapshotError
from exchange.flow.advances import Advance
from exchange.flow.market import BookMarket, Position
from exchange.flow.snapshots import MarketSnapshot
from exchange.kinds import BLOCKS, CHECKPOINTS, MESSAGES, TRADES
from exchange.running.repeating import DivergedError, Repetition, place_of, singles
from instruments.models import Instrument
from market.kinds import Kind, Rows
from quotes.models import Run

NOTHING: Final[Matrix] = np.empty((0, 4), np.int64)
PART_BLOCKS: Final = 32
"""Blocks that are repeated and compared at once, which bounds memory."""


class DiffersError(ValueError):
    """The repeated history differs from the records."""


DEFECTS: Final = (DiffersError, DivergedError, CorruptBlockError, SnapshotError)


class HistoryCheck(Check):
    """Repeats the whole history of a book and compares what is recorded: blocks, trades, states.

    After a difference, the check continues at the next checkpoint. If the beginning of a history
    was pruned, it begins with the first checkpoint whose later blocks are stored.
    """

    reads_bytes: ClassVar[bool] = True

    def __init__(self, report: Report, instrument: Instrument, kind: Kind) -> None:
        super().__init__(report, instrument, kind)
        self._newest_trade = last_seq_of(instrument, TRADES)
        self._checkpoints = self._stored_checkpoints()
        self._next = next(self._checkpoints, None)
        self._repetition: Repetition | None = None
        self._block_seq = 0
        """Blocks up to here are compared, or cannot be."""
        self._updates = [NOTHING]
        """Repeated, but not compared yet."""

    def feed(self, rows: Rows) -> None:
        if self._next is None and self._block_seq == 0 and follows_law(self.instrument):
            self.report.note("book: there is no checkpoint from which its history can be repeated")
        for first in range(0, len(rows), PART_BLOCKS):
            self._check(rows[first : first + PART_BLOCKS])

    def close(self, last_seq: int) -> None:
        stands_still = last_seq_of(self.instrument, BLOCKS) == last_seq
        if self._repetition is not None and stands_still:
            end = self._repetition.market.trade_seq
            if end != self._newest_trade:
                self.report.note(f"trades end with {self._newest_trade}, but history with {end}")

    def _stored_checkpoints(self) -> Iterator[Rows]:
        """Yield the checkpoints after which all blocks are stored, each of shape (1,)."""
        end = last_seq_of(self.instrument, CHECKPOINTS)
        for row in singles(records.chunks(CHECKPOINTS, self.instrument, 0, end)):
            if row["block_seq"][0] >= self.report.pruned[BLOCKS.name]:
                yield row

    def _check(self, blocks: Rows) -> None:
        last = int(blocks["seq"][-1])
        while self._next is not None and self._next["block_seq"][0] <= last:
            checkpoint, self._next = self._next, next(self._checkpoints, None)
            self._pass(checkpoint)
        if self._repetition is not None:
            try:
                slot, event, at = place_of(blocks[-1:])
                self._compare_trades(self._repetition.to(Position(slot, event), at))
                self._compare_updates(blocks[blocks["seq"] > self._block_seq])
            except DEFECTS as error:
                self._lose(blocks, error)
        self._block_seq = last

    def _pass(self, checkpoint: Rows) -> None:
        """Compare the state at a checkpoint, and continue from there whatever the result."""
        try:
            if checkpoint["seq"][0] == 1:
                self._compare_opening(checkpoint)
            elif self._repetition is not None:
                self._compare_state(self._repetition, checkpoint)
        except DEFECTS as error:
            self._lose(checkpoint, error)
        if self._repetition is None:
            self._block_seq = int(checkpoint["block_seq"][0])
        try:
            self._repetition = self._from(BookMarket.restore(state_of(checkpoint)), checkpoint)
        except SnapshotError as error:
            self._lose(checkpoint, error)

    def _from(self, market: BookMarket, checkpoint: Rows) -> Repetition:
        since, end = int(checkpoint["message_seq"][0]), last_seq_of(self.instrument, MESSAGES)
        return Repetition(market, records.chunks(MESSAGES, self.instrument, since, end))

    def _compare_opening(self, checkpoint: Rows) -> None:
        stored = MarketSnapshot.decode(state_of(checkpoint))
        market = BookMarket.open(stored.place, stored.options)
        self._updates.append(matrix(market.advance(market.at).updates))
        self._repetition = self._from(market, checkpoint)
        if market.snapshot() != state_of(checkpoint):
            raise DiffersError("the opening book is not that of its seed")

    def _compare_state(self, repetition: Repetition, checkpoint: Rows) -> None:
        slot, event, at = place_of(checkpoint)
        message_seq = int(checkpoint["message_seq"][0])
        market = repetition.market
        self._compare_trades(repetition.to_message(message_seq, Position(slot, event), at))
        stored = MarketSnapshot.decode(state_of(checkpoint))
        if stored.place.law != market.place.law:
            market.begin_run(stored.place)
        if stored.options != market.options:
            market.choose(stored.options)
        if market.snapshot() != state_of(checkpoint):
            raise DiffersError("its state is not that of the history before")

    def _compare_trades(self, made: Advance) -> None:
        """Compare stored trades with repeated ones, whose updates are kept for the blocks."""
        self._updates.append(matrix(made.updates))
        made_trades = made.trades[made.trades["seq"] > self.report.pruned[TRADES.name]]
        if not len(made_trades):
            return
        first, last = int(made_trades["seq"][0]), int(made_trades["seq"][-1])
        stored = records.read(TRADES, self.instrument, first - 1, last)
        made_trades = made_trades[np.isin(made_trades["seq"], stored["seq"])]  # else: SeqCheck
        wrong = np.flatnonzero(stored != made_trades)
        if len(wrong):
            i = wrong[0]
            raise DiffersError(f"trade {stored[i]['seq']} is {stored[i]}, not {made_trades[i]}")

    def _compare_updates(self, blocks: Rows) -> None:
        made = np.concatenate(self._updates)
        stored = matrix(decode_all(blocks["data"].tolist(), blocks["at"]).updates)
        if not np.array_equal(stored, made[: len(stored)]):
            raise DiffersError("changes of its levels are not those of the history")
        self._updates = [made[len(stored) :]]

    def _lose(self, rows: Rows, error: Exception) -> None:
        """Note a difference; continue at the next checkpoint."""
        first, last = int(rows["seq"][0]), int(rows["seq"][-1])
        name = "checkpoint" if rows.dtype == CHECKPOINTS.dtype else "blocks"
        where = f"{name} {first}" if first == last else f"{name} {first} to {last}"
        self.report.note(f"book: {where}: {error}")
        self._repetition, self._updates = None, [NOTHING]


def follows_law(instrument: Instrument) -> bool:
    """Return whether the book is simulated; that of another venue has no state to repeat."""
    return Run.objects.filter(instrument=instrument).exists()


def state_of(checkpoint: Rows) -> bytes:
    return bytes(checkpoint["data"][0])
