"""Derivation of clusters in the journal, in all eight timeframes."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Self

import numpy as np

from archive.selections import Span
from exchange.kinds import CANDLES_OF_TRADES, TRADES
from instruments.models import Instrument
from journal import derivations
from market.kinds import Rows, Table
from market.timeframes import SECONDS, opened_at
from orderflow.clusters import Clusters, coarsen
from orderflow.kinds import CLUSTERS
from orderflow.ladder import ClusterLadder
from orderflow.recording import End, stored_rows
from orderflow.stored import closed_clusters, ends
from orderflow.warming import load_kernels
from quotes.derived import open_minute


class RecordedClusters:
    """The open clusters of one instrument; closed ones are stored as rows of CLUSTERS."""

    def __init__(
        self, instrument_id: int, ladder: ClusterLadder, stored: Mapping[int, End]
    ) -> None:
        """`stored`: where the clusters of each timeframe end."""
        self._instrument_id = instrument_id
        self._ladder = ladder
        self._ends = stored

    @classmethod
    def load(cls, instrument: Instrument, last: Rows) -> Self:
        """Rebuild the open clusters at the end of the history from its trades and clusters."""
        load_kernels()
        if not len(last):
            return cls.empty(instrument.pk)
        now = int(last["at"][0])
        ladder = ClusterLadder.of(
            open_minute(CANDLES_OF_TRADES, instrument, now), open_rungs(instrument, now)
        )
        return cls(instrument.pk, ladder, ends(instrument))

    @classmethod
    def empty(cls, instrument_id: int) -> Self:
        return cls(instrument_id, ClusterLadder.empty(), dict.fromkeys(SECONDS, End()))

    def extend(self, rows: Rows) -> Iterable[tuple[Table, Rows]]:
        made = []
        for timeframe_s, closed in self._ladder.extend(rows).items():
            before = self._ends[timeframe_s]
            found, end = stored_rows(closed, self._instrument_id, timeframe_s, before)
            self._ends = {**self._ends, timeframe_s: end}  # copies share the rest
            made.append(found)
        if made:
            yield CLUSTERS, np.concatenate(made)

    def copy(self) -> "RecordedClusters":
        return RecordedClusters(self._instrument_id, self._ladder.copy(), self._ends)


def open_rungs(instrument: Instrument, now: int) -> list[Clusters]:
    """Return, for 5m .. 1w, the cluster open at `now`, merged from closed finer clusters."""
    return [
        coarsen(closed_clusters(instrument, finer, Span(opened_at(now, coarser))), coarser)
        for finer, coarser in pairwise(SECONDS)
    ]


def register() -> None:
    """Derive clusters as trades are stored."""
    derivations.register(TRADES, RecordedClusters.load)
