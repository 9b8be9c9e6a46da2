"""The open clusters of one instrument in all timeframes. Pure."""

import numpy as np

from market import batches
from market.batches import Batches
from market.kinds import Rows
from market.ladder import end_of_minute
from market.timeframes import SECONDS, opened_at
from orderflow.clusters import Clusters, coarsen, joined, no_clusters, of_trades


class ClusterLadder:
    """Eight timeframes, each built from the closed clusters of the next finer one.

    It works as `market.ladder.CandleLadder` does: the lowest rung holds the trades of the open
    minute, rung k the merged closed clusters of rung k - 1 since its own open cluster began. Not
    thread-safe; the journal owns it.
    """

    def __init__(self, minute: Batches, rungs: list[Clusters], minute_ends: int) -> None:
        """Start from batches of trades of the open minute, and the merged clusters for 5m .. 1w."""
        self._minute = minute
        self._rungs = rungs
        self._minute_ends = minute_ends

    @classmethod
    def of(cls, minute: Rows, rungs: list[Clusters]) -> "ClusterLadder":
        """Start from the trades of the open minute and the finer closed clusters for 5m .. 1w."""
        if not len(minute):
            return cls(None, rungs, 0)
        return cls((None, minute), rungs, end_of_minute(int(minute["at"][-1])))

    @classmethod
    def empty(cls) -> "ClusterLadder":
        return cls(None, [no_clusters()] * (len(SECONDS) - 1), 0)

    def extend(self, trades: Rows) -> dict[int, Clusters]:
        """Add ascending trades; return the clusters that they close, by timeframe in seconds."""
        self._minute = (self._minute, trades)
        now = int(trades["at"][-1])
        if now < self._minute_ends:
            return {}
        pending = batches.joined(self._minute)
        self._minute_ends = end_of_minute(now)
        open_from = int(np.searchsorted(pending["at"], opened_at(now, SECONDS[0])))
        self._minute = (None, pending[open_from:])
        closed = of_trades(pending[:open_from], SECONDS[0])
        by_timeframe = {SECONDS[0]: closed} if len(closed) else {}
        self._rungs = self._rungs.copy()
        for rung, timeframe_s in enumerate(SECONDS[1:]):
            if not len(closed):
                break  # what is open in this timeframe is open in all coarser ones
            pieces = joined([self._rungs[rung], closed])
            open_from = int(np.searchsorted(pieces["opened_at"], opened_at(now, timeframe_s)))
            self._rungs[rung] = coarsen(pieces.part(open_from, len(pieces)), timeframe_s)
            closed = coarsen(pieces.part(0, open_from), timeframe_s)
            if len(closed):
                by_timeframe[timeframe_s] = closed
        return by_timeframe

    def copy(self) -> "ClusterLadder":
        """Return an independent copy, so that a failed transaction leaves no trace."""
        return ClusterLadder(self._minute, self._rungs, self._minute_ends)
