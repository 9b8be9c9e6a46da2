"""Audit checks of quotes and regimes: candles equal their ticks, and ticks follow the law."""

from datetime import UTC, datetime
from functools import partial
from itertools import zip_longest

import numpy as np
from django.db.models import BigIntegerField
from django.db.models.functions import Cast
from numpy.typing import NDArray

from archive import auditing
from archive.auditing import Check, Report, last_seq_of, moment
from archive.rangescans import scan
from archive.selections import Span
from instruments.models import Instrument
from market.aggregations import Aggregation
from market.candles import Candles, coarsen
from market.keys import row_key
from market.kinds import Kind, Rows
from market.timeframes import MICROSECONDS, SECONDS, TIMEFRAMES, opened_at
from market.times import to_microseconds
from quotes.derived import closed_candles
from quotes.kinds import QUOTE_CANDLES, QUOTES, REGIMES
from quotes.models import Quote, Run

NAMES = {seconds: name for name, seconds in TIMEFRAMES.items()}
STARTS = 500
BEGINNING = to_microseconds(datetime.min.replace(tzinfo=UTC))


def register() -> None:
    """Add the checks of candles, runs and regimes to `manage.py audit`."""
    auditing.register(QUOTES, partial(CandleCheck, QUOTE_CANDLES), RunCheck)
    auditing.register(REGIMES, RegimeCheck)


class CandleCheck(Check):
    """Stored candles equal the candles computed from the records, in every timeframe.

    Candles that begin before the first record cannot be compared if retention removed records.
    """

    def __init__(
        self, aggregation: Aggregation, report: Report, instrument: Instrument, kind: Kind
    ) -> None:
        super().__init__(report, instrument, kind)
        self._aggregation = aggregation
        self._open = {seconds: np.empty(0, dtype=aggregation.dtype) for seconds in SECONDS}
        self._compared_to = dict.fromkeys(SECONDS, BEGINNING)
        self._is_pruned = report.pruned[kind.name] > 0

    def feed(self, rows: Rows) -> None:
        if self._is_pruned:
            self._begin_after(int(rows["at"][0]))
        minutes = self._aggregation.candles(rows, SECONDS[0])
        for seconds in SECONDS:
            candles = coarsen(np.concatenate((self._open[seconds], minutes)), seconds)
            finished, self._open[seconds] = candles[:-1], candles[-1:]
            finished = finished[finished["opened_at"] >= self._compared_to[seconds]]
            if len(finished):
                self._compare(seconds, finished, int(candles[-1]["opened_at"]))

    def _begin_after(self, at: int) -> None:
        """Compare the candles that begin after the first record that is left."""
        self._is_pruned = False
        for seconds in SECONDS:
            self._compared_to[seconds] = opened_at(at, seconds) + seconds * MICROSECONDS

    def close(self, last_seq: int) -> None:
        """Report stored candles that no record has closed yet."""
        for seconds in SECONDS:
            since = self._stored(seconds, Span(self._compared_to[seconds]))
            latest = scan(self.kind, self.instrument, limit=1, newest=True, fields=("at",))
            end = BEGINNING  # read after the candles: both may grow
            if len(latest):
                end = opened_at(int(latest["at"][0]), seconds)
            beyond = since["opened_at"] >= end
            if len(self._open[seconds]):
                beyond |= since["opened_at"] < self._open[seconds]["opened_at"][0]
            for candle in since[beyond]:
                self._note(seconds, candle["opened_at"], "is stored but not closed by any record")

    def _stored(self, seconds: int, span: Span) -> Candles:
        return closed_candles(self._aggregation, self.instrument, seconds, span)

    def _compare(self, seconds: int, right: Candles, end: int) -> None:
        stored = self._stored(seconds, Span(self._compared_to[seconds], end))
        self._compared_to[seconds] = end
        self.report.counts[self._aggregation.table.name] += len(stored)
        if np.array_equal(stored, right):
            return
        opened = stored["opened_at"]
        for candle in right[~np.isin(right["opened_at"], opened)]:
            self._note(seconds, candle["opened_at"], "is missing")
        for candle in stored[~np.isin(opened, right["opened_at"])]:
            self._note(seconds, candle["opened_at"], "is stored but has no records")
        _, ours, theirs = np.intersect1d(right["opened_at"], opened, return_indices=True)
        different = right[ours] != stored[theirs]
        for candle, wrong in zip(right[ours][different], stored[theirs][different], strict=True):
            fields = ", ".join(
                f"{name} {wrong[name]} instead of {candle[name]}"
                for name in right.dtype.names or ()
                if wrong[name] != candle[name]
            )
            self._note(seconds, candle["opened_at"], f"has {fields}")

    def _note(self, seconds: int, opened: int, what: str) -> None:
        table = self._aggregation.table.name
        self.report.note(f"{table}: {NAMES[seconds]} of {moment(opened)} {what}")


class RunCheck(Check):
    """The ticks of a run are on its time grid, and each moves the price by one tick."""

    def __init__(self, report: Report, instrument: Instrument, kind: Kind) -> None:
        super().__init__(report, instrument, kind)
        self._runs = list(Run.objects.filter(instrument=instrument).order_by("first_seq"))
        self._price = 0

    def feed(self, rows: Rows) -> None:
        before = np.concatenate(([self._price], rows["ticks"][:-1]))
        for run, following in zip_longest(self._runs, self._runs[1:]):
            inside = rows["seq"] >= run.first_seq
            if following is not None:
                inside &= rows["seq"] < following.first_seq
            if inside.any():
                self._check(run, rows[inside], before[inside])
        self._price = int(rows["ticks"][-1])

    def _check(self, run: Run, ticks: Rows, before: NDArray[np.int64]) -> None:
        seq = ticks["seq"]
        due = to_microseconds(run.started_at) + (seq - run.first_seq) * run.interval_us
        for i in np.flatnonzero(ticks["at"] != due):
            self.report.note(
                f"tick {seq[i]} is at {moment(ticks['at'][i])}, but at {moment(due[i])} "
                f"in its run of seed {run.seed}"
            )
        before = np.where(seq == run.first_seq, run.start_ticks, before)
        for i in np.flatnonzero(np.abs(ticks["ticks"] - before) != 1):
            self.report.note(
                f"tick {seq[i]} moves from {before[i]} to {ticks['ticks'][i]} ticks, not by one"
            )


class RegimeCheck(Check):
    """Regimes cover all ticks of the law; each starts at the time of its first tick."""

    def __init__(self, report: Report, instrument: Instrument, kind: Kind) -> None:
        super().__init__(report, instrument, kind)
        self._last_tick = last_seq_of(instrument, QUOTES)
        self._first_seq = 0

    def feed(self, rows: Rows) -> None:
        before = np.concatenate(([self._first_seq], rows["first_seq"][:-1]))
        for regime in rows[rows["first_seq"] <= before]:
            self.report.note(
                f"regime {regime['seq']} begins with tick {regime['first_seq']}, not after the "
                "one before it"
            )
        if not self._first_seq:
            self._check_beginning(int(rows["first_seq"][0]))
        for at in range(0, len(rows), STARTS):
            self._check_starts(rows[at : at + STARTS])
        self._first_seq = int(rows["first_seq"][-1])

    def close(self, last_seq: int) -> None:
        if not last_seq:
            self._check_beginning(None)
        if self._first_seq > self._last_tick:
            self.report.note(f"the regime from tick {self._first_seq} begins after all ticks")

    def _check_beginning(self, began: int | None) -> None:
        runs = Run.objects.filter(instrument=self.instrument, first_seq__lte=self._last_tick)
        first_run = runs.order_by("first_seq").first()
        if first_run is not None and began != first_run.first_seq:
            self.report.note(
                f"the law began at tick {first_run.first_seq}, but its first regime at {began}"
            )

    def _check_starts(self, regimes: Rows) -> None:
        """Compare the times of regimes with the times of their first ticks."""
        keys = [row_key(self.instrument.pk, int(seq)) for seq in regimes["first_seq"]]
        found = Quote.objects.filter(pk__in=keys)
        starts = dict(found.values_list("seq", Cast("at", BigIntegerField())))
        for seq, at in zip(regimes["first_seq"].tolist(), regimes["at"].tolist(), strict=True):
            if starts.get(seq) != at:
                tick = moment(starts[seq]) if seq in starts else "not stored"
                self.report.note(
                    f"the regime from tick {seq} starts at {moment(at)}, but the tick is at {tick}"
                )
