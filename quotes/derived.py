"""Derivation of candles in the journal, in all eight timeframes."""

from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from typing import Self

import numpy as np

from archive.rangescans import scan
from archive.selections import Span
from instruments.models import Instrument
from journal import derivations
from market import aggregations
from market.aggregations import Aggregation
from market.candles import Candles, coarsen
from market.kinds import Rows, Table, rows_of
from market.ladder import CandleLadder
from market.timeframes import SECONDS, opened_at


class RecordedCandles:
    """The open candles of one instrument; closed ones are stored as rows of a table."""

    def __init__(self, aggregation: Aggregation, instrument_id: int, ladder: CandleLadder) -> None:
        self.ladder = ladder
        self._aggregation = aggregation
        self._instrument_id = instrument_id

    @classmethod
    def load(cls, aggregation: Aggregation, instrument: Instrument, last: Rows) -> Self:
        """Rebuild the open candles at the end of the history from its records and candles."""
        if not len(last):
            return cls(aggregation, instrument.pk, CandleLadder.empty(aggregation))
        now = int(last["at"][0])
        minute = open_minute(aggregation, instrument, now)
        rungs = open_rungs(aggregation, instrument, now)
        return cls(aggregation, instrument.pk, CandleLadder.of(aggregation, minute, rungs))

    def extend(self, rows: Rows) -> Iterable[tuple[Table, Rows]]:
        closed = self.ladder.extend(rows)
        if not closed:
            return
        table = self._aggregation.table
        made = np.empty(sum(map(len, closed.values())), dtype=table.dtype)
        made["instrument"] = self._instrument_id
        made["timeframe"] = np.repeat(list(closed), [len(each) for each in closed.values()])
        for name in self._aggregation.dtype.names or ():
            made[name] = np.concatenate([each[name] for each in closed.values()])
        yield table, made

    def copy(self) -> "RecordedCandles":
        return RecordedCandles(self._aggregation, self._instrument_id, self.ladder.copy())


def register(aggregation: Aggregation) -> None:
    """Derive these candles as records are stored, and serve them."""
    aggregations.register(aggregation)
    derivations.register(aggregation.kind, partial(RecordedCandles.load, aggregation))


def open_minute(aggregation: Aggregation, instrument: Instrument, now: int) -> Rows:
    """Return the ascending records of the minute of `now` (microseconds since 1970 UTC)."""
    kind = aggregation.kind
    names = kind.dtype.names or ()
    found = scan(kind, instrument, span=Span(opened_at(now, SECONDS[0])), fields=names[1:])
    return rows_of(kind, instrument.pk, found.numbers)


def open_rungs(aggregation: Aggregation, instrument: Instrument, now: int) -> list[Candles]:
    """Return, for 5m .. 1w, the candle open at `now`, merged from closed finer candles."""
    return [
        coarsen(
            closed_candles(aggregation, instrument, finer, Span(opened_at(now, coarser))), coarser
        )
        for finer, coarser in pairwise(SECONDS)
    ]


def closed_candles(
    aggregation: Aggregation, instrument: Instrument, timeframe_s: int, span: Span
) -> Candles:
    """Return the stored candles of a span."""
    names = aggregation.dtype.names or ()
    where = {"timeframe": timeframe_s}
    found = scan(aggregation.table, instrument, span=span, where=where, fields=names)
    candles = np.empty(len(found), dtype=aggregation.dtype)
    for name in names:
        candles[name] = found[name]
    return candles
