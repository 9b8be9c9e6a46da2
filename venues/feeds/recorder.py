"""Makes records of what a feed delivers: trades, quotes, books, gaps, candles. Pure.

Every trade is a quote as well, so that charts, measures and audits work as for simulated
instruments: trades of the same moment are one slot, which their last price ends. Times are those of
the venue. They never go back in a stream: a trade that arrives late, or in the microsecond of a
quote that is recorded already, gets the first later moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from exchange.depth.blocks import UPDATE, Updates
from exchange.depth.recording import BlockWriter
from exchange.engine.messages import BUY, SELL
from exchange.kinds import BLOCKS, TRADES
from journal.intake import Bundle
from market.kinds import Delivery, Kind, Rows
from quotes.kinds import QUOTES
from venues.feeds.events import Level, Minute, Print
from venues.feeds.kinds import FEED_GAPS, VENUE_CANDLES, Cause, Of

PLACED: Final = np.dtype([*UPDATE.descr, ("slot", np.int64), ("event", np.int32)])


@dataclass(kw_only=True)
class End:
    """The newest record of a stream; 0 and 0 of an empty one."""

    seq: int = 0
    at: int = 0


class Recorder:
    """Continues the streams of one instrument."""

    def __init__(self, instrument_id: int, ends: dict[str, End], blocks: BlockWriter) -> None:
        """`ends`: of the streams, by the names of their kinds; those without are empty."""
        self._instrument_id = instrument_id
        kinds = (TRADES, QUOTES, BLOCKS, FEED_GAPS, VENUE_CANDLES)
        self._ends = {kind.name: ends.get(kind.name, End()) for kind in kinds}
        self._blocks = blocks

    def end_of(self, kind: Kind) -> int:
        """Return the time of the newest record of a kind; 0 if there is none."""
        return self._ends[kind.name].at

    def trades(self, prints: Sequence[Print]) -> Bundle:
        """Return the trades and the quotes that end their slots."""
        trade, quote = self._ends[TRADES.name], self._ends[QUOTES.name]
        trades, quotes = [], []
        for at, group in groupby(self._timed(prints), key=lambda timed: timed[0]):
            quote.seq, quote.at = quote.seq + 1, at
            for _, each in group:
                trade.seq, trade.at = trade.seq + 1, at
                trades.append(
                    (self._instrument_id, trade.seq, at, quote.seq, each.ticks, each.lots,
                     each.side, 0, each.key)
                )  # fmt: skip
            quotes.append((self._instrument_id, quote.seq, at, trades[-1][4]))
        if not trades:
            return ()
        return (_delivery(TRADES, trades), _delivery(QUOTES, quotes))

    def _timed(self, prints: Iterable[Print]) -> Iterable[tuple[int, Print]]:
        """Yield each trade with the time at which it is recorded: later than the last quote."""
        at = self._ends[QUOTES.name].at + 1
        for each in prints:
            at = max(at, each.at)
            yield at, each

    def snapshot(self, at: int, levels: Sequence[Level]) -> Bundle:
        """Return what changes the recorded book into this one."""
        wanted = {(each.side, each.ticks) for each in levels}
        gone = [each for each in self._levels() if (each.side, each.ticks) not in wanted]
        known = {(each.side, each.ticks): each.lots for each in self._levels()}
        changed = [each for each in levels if known.get((each.side, each.ticks)) != each.lots]
        return self.delta(at, [*(each._replace(lots=0) for each in gone), *changed])

    def delta(self, at: int, levels: Sequence[Level]) -> Bundle:
        """Return a block of these changes."""
        end, slot = self._ends[BLOCKS.name], self._ends[QUOTES.name].seq + 1
        at = max(at, end.at)
        self._blocks.add(_updates(at, slot, levels))
        rows = self._blocks.take(at, slot, 0)
        end.seq, end.at = self._blocks.seq, at
        return (Delivery(BLOCKS, rows),)

    def forget_book(self) -> Bundle:
        """Return a block that empties the book, at the end of what is known of it."""
        gone = [each._replace(lots=0) for each in self._levels()]
        return self.delta(self._ends[BLOCKS.name].at, gone) if gone else ()

    def gap(self, of: Of, cause: Cause, began_at: int, ended_at: int) -> Bundle:
        """Return a gap; it ends no earlier than the one before."""
        end = self._ends[FEED_GAPS.name]
        end.seq, end.at = end.seq + 1, max(end.at, ended_at, began_at)
        row = (self._instrument_id, end.seq, end.at, began_at, of.value, cause.value)
        return (_delivery(FEED_GAPS, [row]),)

    def minutes(self, minutes: Iterable[Minute]) -> Bundle:
        """Return the candles that are later than those recorded."""
        end, rows = self._ends[VENUE_CANDLES.name], []
        for each in minutes:
            if each.opened_at > end.at:
                end.seq, end.at = end.seq + 1, each.opened_at
                rows.append((self._instrument_id, end.seq, *each))
        return (_delivery(VENUE_CANDLES, rows),) if rows else ()

    def _levels(self) -> list[Level]:
        found = []
        for side in (BUY, SELL):
            levels = self._blocks.book.levels(side)
            pairs = zip(levels.ticks.tolist(), levels.lots.tolist(), strict=True)
            found += [Level(side, ticks, lots) for ticks, lots in pairs]
        return found


def _delivery(kind: Kind, rows: Sequence[tuple[int, ...]]) -> Delivery:
    found: Rows = np.array(rows, kind.dtype)
    return Delivery(kind, found)


def _updates(at: int, slot: int, levels: Sequence[Level]) -> Updates:
    return np.array([(at, *each, slot, 0) for each in levels], PLACED)
