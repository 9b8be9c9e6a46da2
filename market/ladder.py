"""The open candles of one instrument in all timeframes."""

import numpy as np

from market.aggregations import Aggregation
from market.candles import Candles, coarsen
from market.kinds import Rows
from market.timeframes import MICROSECONDS, SECONDS, opened_at


class CandleLadder:
    """Eight timeframes, each built from the closed candles of the next finer one.

    The lowest rung holds the records of the open minute. Rung k holds the merged closed candles of
    rung k - 1 since its own open candle began. Not thread-safe; the journal owns it.
    """

    def __init__(self, aggregation: Aggregation, minute: Rows, rungs: list[Candles]) -> None:
        """Start from the records of the open minute and the finer closed candles for 5m .. 1w."""
        self._aggregation = aggregation
        self._minute = [minute] if len(minute) else []
        self._rungs = rungs
        self._minute_ends = self._end_of_minute(int(minute["at"][-1])) if len(minute) else 0

    @classmethod
    def empty(cls, aggregation: Aggregation) -> "CandleLadder":
        no_candles = np.empty(0, dtype=aggregation.dtype)
        no_records = np.empty(0, dtype=aggregation.kind.dtype)
        return cls(aggregation, no_records, [no_candles] * (len(SECONDS) - 1))

    @staticmethod
    def _end_of_minute(at: int) -> int:
        return opened_at(at, SECONDS[0]) + SECONDS[0] * MICROSECONDS

    def extend(self, records: Rows) -> dict[int, Candles]:
        """Add ascending records; return the candles that they close, by timeframe in seconds."""
        self._minute.append(records)
        now = int(records["at"][-1])
        if now < self._minute_ends:
            return {}
        pending = np.concatenate(self._minute)
        self._minute_ends = self._end_of_minute(now)
        open_from = np.searchsorted(pending["at"], opened_at(now, SECONDS[0]))
        self._minute = [pending[open_from:]]
        closed = self._aggregation.candles(pending[:open_from], SECONDS[0])
        by_timeframe = {SECONDS[0]: closed} if len(closed) else {}
        for rung, timeframe_s in enumerate(SECONDS[1:]):
            pieces = np.concatenate((self._rungs[rung], closed))
            open_from = np.searchsorted(pieces["opened_at"], opened_at(now, timeframe_s))
            self._rungs[rung] = coarsen(pieces[open_from:], timeframe_s)
            closed = coarsen(pieces[:open_from], timeframe_s)
            if len(closed):
                by_timeframe[timeframe_s] = closed
        return by_timeframe

    def copy(self) -> "CandleLadder":
        """Return an independent copy, so that a failed transaction leaves no trace."""
        twin = CandleLadder.empty(self._aggregation)
        twin._minute = list(self._minute)
        twin._rungs = list(self._rungs)
        twin._minute_ends = self._minute_ends
        return twin
