"""Audit checks of trades: they follow their slots, and each slot ends at its quote."""

from functools import partial

import numpy as np

from archive import auditing, records
from archive.auditing import Check, Report, moment
from archive.rangescans import scan
from exchange.auditing.blocks import BlockCheck
from exchange.auditing.executions import ExecutionCheck
from exchange.auditing.history import HistoryCheck
from exchange.kinds import BLOCKS, CANDLES_OF_TRADES, EXECUTIONS, TRADES
from instruments.models import Instrument
from market.kinds import Kind, Rows
from quotes.auditing import CandleCheck
from quotes.kinds import QUOTES


def register() -> None:
    """Add the checks of trades, their candles, books and accounts to `manage.py audit`."""
    auditing.register(BLOCKS, BlockCheck, HistoryCheck)
    auditing.register(EXECUTIONS, ExecutionCheck)
    auditing.register(TRADES, partial(CandleCheck, CANDLES_OF_TRADES), TradeCheck)


class TradeCheck(Check):
    """Slots do not decrease; the last trade of each slot has price and time of its quote."""

    def __init__(self, report: Report, instrument: Instrument, kind: Kind) -> None:
        super().__init__(report, instrument, kind)
        self._last = np.empty(0, dtype=kind.dtype)

    def feed(self, rows: Rows) -> None:
        trades = np.concatenate((self._last, rows))
        steps = np.diff(trades["slot"])
        for i in np.flatnonzero(steps < 0):
            before, after = trades[i], trades[i + 1]
            self.report.note(
                f"trade {after['seq']} of slot {after['slot']} follows one of {before['slot']}"
            )
        self._compare(trades[:-1][steps > 0])
        self._last = trades[-1:]

    def close(self, last_seq: int) -> None:
        if len(self._last) and self._is_complete(last_seq):
            self._compare(self._last)

    def _is_complete(self, last_seq: int) -> bool:
        """Return whether the slot of the last trade has ended with that trade.

        A block records the slot in progress at its end. It is read before the newest trade, because
        the market may be running.
        """
        block = scan(BLOCKS, self.instrument, limit=1, newest=True, fields=("slot",))
        complete = len(block) > 0 and block["slot"][0] > self._last["slot"][0]
        return complete and records.newest_seq(self.kind, self.instrument) == last_seq

    def _compare(self, trades: Rows) -> None:
        """Compare the last trades of slots, ascending, with the quotes of these slots."""
        if not len(trades):
            return
        slots = trades["slot"]
        quotes = records.read(QUOTES, self.instrument, int(slots.min()) - 1, int(slots.max()))
        found = np.isin(slots, quotes["seq"])
        for trade in trades[~found]:
            self.report.note(f"trade {trade['seq']} ends slot {trade['slot']}, which has no quote")
        trades = trades[found]
        right = quotes[np.searchsorted(quotes["seq"], trades["slot"])]
        wrong = (right["ticks"] != trades["ticks"]) | (right["at"] != trades["at"])
        for trade, quote in zip(trades[wrong], right[wrong], strict=True):
            self.report.note(
                f"trade {trade['seq']} ends slot {trade['slot']} at {trade['ticks']} ticks and "
                f"{moment(trade['at'])}, its quote is {quote['ticks']} at {moment(quote['at'])}"
            )
