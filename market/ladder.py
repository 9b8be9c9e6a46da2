"""The open candles of one instrument in all timeframes."""

import numpy as np

from market.aggregations import Aggregation
from market.batches import Batches, joined
from market.candles import Candles, coarsen
from market.kinds import Rows
from market.timeframes import MICROSECONDS, SECONDS, opened_at


class CandleLadder:
    """Eight timeframes, each built from the closed candles of the next finer one.

    The lowest rung holds the records of the open minute. Rung k holds the merged closed candles of
    rung k - 1 since its own open candle began. Not thread-safe; the journal owns it.
    """

    def __init__(
        self, aggregation: Aggregation, minute: Batches, rungs: list[Candles], minute_ends: int
    ) -> None:
        """Start from batches of the open minute, and the merged candles for 5m .. 1w."""
        self._aggregation = aggregation
        self._minute = minute
        self._rungs = rungs
        self._minute_ends = minute_ends

    @classmethod
    def of(cls, aggregation: Aggregation, minute: Rows, rungs: list[Candles]) -> "CandleLadder":
        """Start from the records of the open minute and the finer closed candles for 5m .. 1w."""
        if not len(minute):
            return cls(aggregation, None, rungs, 0)
        return cls(aggregation, (None, minute), rungs, end_of_minute(int(minute["at"][-1])))

    @classmethod
    def empty(cls, aggregation: Aggregation) -> "CandleLadder":
        no_candles = np.empty(0, dtype=aggregation.dtype)
        return cls(aggregation, None, [no_candles] * (len(SECONDS) - 1), 0)

    def extend(self, records: Rows) -> dict[int, Candles]:
        """Add ascending records; return the candles that they close, by timeframe in seconds."""
        self._minute = (self._minute, records)
        now = int(records["at"][-1])
        if now < self._minute_ends:
            return {}
        pending = joined(self._minute)
        self._minute_ends = end_of_minute(now)
        open_from = np.searchsorted(pending["at"], opened_at(now, SECONDS[0]))
        self._minute = (None, pending[open_from:])
        closed = self._aggregation.candles(pending[:open_from], SECONDS[0])
        by_timeframe = {SECONDS[0]: closed} if len(closed) else {}
        self._rungs = self._rungs.copy()
        for rung, timeframe_s in enumerate(SECONDS[1:]):
            if not len(closed):
                break  # what is open in this timeframe is open in all coarser ones
            pieces = np.concatenate((self._rungs[rung], closed))
            open_from = np.searchsorted(pieces["opened_at"], opened_at(now, timeframe_s))
            self._rungs[rung] = coarsen(pieces[open_from:], timeframe_s)
            closed = coarsen(pieces[:open_from], timeframe_s)
            if len(closed):
                by_timeframe[timeframe_s] = closed
        return by_timeframe

    def copy(self) -> "CandleLadder":
        """Return an independent copy, so that a failed transaction leaves no trace."""
        return CandleLadder(self._aggregation, self._minute, self._rungs, self._minute_ends)


def end_of_minute(at: int) -> int:
    return opened_at(at, SECONDS[0]) + SECONDS[0] * MICROSECONDS
