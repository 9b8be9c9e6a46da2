"""Derivation of candles from quotes in the journal, in all eight timeframes."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Self

import numpy as np
from django.db.models import BigIntegerField, Q
from django.db.models.functions import Cast

from instruments.models import Instrument
from market.candles import CANDLE, coarsen
from market.kinds import Rows, Table
from market.ladder import CandleLadder
from market.ticks import TICK
from market.timeframes import SECONDS, opened_at
from market.times import from_microseconds
from quotes.kinds import CANDLES
from quotes.models import Candle, Quote


class RecordedCandles:
    """The open candles of one instrument; closed ones are stored as rows of CANDLES."""

    def __init__(self, instrument_id: int, ladder: CandleLadder) -> None:
        self.ladder = ladder
        self._instrument_id = instrument_id

    @classmethod
    def load(cls, instrument: Instrument, last: Rows) -> Self:
        """Rebuild the open candles at the end of the history from stored ticks and candles."""
        if not len(last):
            return cls(instrument.pk, CandleLadder.empty())
        now = int(last["at"][0])
        minute = open_minute(instrument, now)
        return cls(instrument.pk, CandleLadder(minute, open_rungs(instrument, now)))

    def extend(self, rows: Rows) -> Iterable[tuple[Table, Rows]]:
        closed = self.ladder.extend(rows)
        if not closed:
            return
        made = np.empty(sum(map(len, closed.values())), dtype=CANDLES.dtype)
        made["instrument"] = self._instrument_id
        made["timeframe"] = np.repeat(list(closed), [len(each) for each in closed.values()])
        for name in CANDLE.names or ():
            made[name] = np.concatenate([each[name] for each in closed.values()])
        yield CANDLES, made

    def copy(self) -> "RecordedCandles":
        return RecordedCandles(self._instrument_id, self.ladder.copy())


def open_minute(instrument: Instrument, now: int) -> Rows:
    """Return the ascending ticks of the minute of `now` (microseconds since 1970 UTC)."""
    since = from_microseconds(opened_at(now, SECONDS[0]))
    ticks = (
        Quote.objects.filter(instrument=instrument, at__gte=since)
        .order_by("at")
        .values_list("instrument_id", "seq", Cast("at", BigIntegerField()), "ticks")
    )
    return np.array(list(ticks), dtype=TICK)


def open_rungs(instrument: Instrument, now: int) -> list[Rows]:
    """Return, for 5m .. 1w, the candle open at `now`, merged from closed finer candles."""
    wanted = Q()
    for finer, coarser in pairwise(SECONDS):
        wanted |= Q(timeframe=finer, opened_at__gte=from_microseconds(opened_at(now, coarser)))
    columns = [name for name in CANDLE.names or () if name != "opened_at"]
    closed = (
        Candle.objects.filter(wanted, instrument=instrument)
        .order_by("opened_at")
        .values_list("timeframe", Cast("opened_at", BigIntegerField()), *columns)
    )
    pieces: dict[int, list[tuple[int, ...]]] = {seconds: [] for seconds in SECONDS}
    for timeframe_s, *candle in closed:
        pieces[timeframe_s].append(tuple(candle))
    return [
        coarsen(np.array(pieces[finer], dtype=CANDLE), coarser)
        for finer, coarser in pairwise(SECONDS)
    ]
