"""Proof that the record is whole: seq, time, candles against their ticks, regimes and runs.

Ticks are read once, in chunks, so that a history of any length is audited in bounded memory.
While a recorder goes on writing, what was there at the start is audited.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise, zip_longest

import numpy as np
from django.db.models import BigIntegerField, QuerySet
from django.db.models.functions import Cast
from numpy.typing import NDArray

from instruments.models import Instrument
from market.candles import CANDLE, Candles, coarsen, from_ticks
from market.ticks import Ticks, tick_array
from market.timeframes import SECONDS, TIMEFRAMES, opened_at
from market.times import from_microseconds, to_microseconds
from quotes.law.randomwalk import LARGEST_PHI
from quotes.models import Candle, Quote, Regime, Run, quote_id

CHUNK = 100_000
NAMES = {seconds: name for name, seconds in TIMEFRAMES.items()}
BEGINNING = to_microseconds(datetime.min.replace(tzinfo=UTC))
LONGEST_REPORT = 20
"""Violations of one instrument that are spelled out; the others are counted."""


@dataclass
class Audit:
    """What was audited of one instrument, and what is wrong with it."""

    symbol: str
    quotes: int = 0
    candles: int = 0
    regimes: int = 0
    violation_count: int = 0
    violations: list[str] = field(default_factory=list)

    def note(self, violation: str) -> None:
        self.violation_count += 1
        if len(self.violations) < LONGEST_REPORT:
            self.violations.append(f"{self.symbol}: {violation}")


def audit(instrument: Instrument, advance: Callable[[int], None] = lambda n: None) -> Audit:
    """Audit the history of `instrument`; `advance` is told the number of ticks as they are read."""
    report = Audit(instrument.symbol)
    last_seq = last_seq_of(instrument)
    checks: list[Check] = [
        SeqCheck(report),
        CandleCheck(report, instrument),
        RunCheck(report, instrument),
    ]
    for ticks in read_ticks(instrument, last_seq):
        for check in checks:
            check.feed(ticks)
        report.quotes += len(ticks)
        advance(len(ticks))
    for check in checks:
        check.close()
    check_regimes(report, instrument, last_seq)
    return report


def read_ticks(instrument: Instrument, last_seq: int) -> Iterator[Ticks]:
    """Yield the stored ticks up to `last_seq` in the order of seq, in chunks."""
    done = quote_id(instrument.pk, 0)
    while True:
        rows = (
            Quote.objects.filter(pk__gt=done, pk__lte=quote_id(instrument.pk, last_seq))
            .order_by("pk")
            .values_list("pk", "seq", Cast("at", BigIntegerField()), "ticks")[:CHUNK]
        )
        table = np.array(list(rows), dtype=np.int64).reshape(-1, 4)
        if len(table) == 0:
            return
        done = int(table[-1, 0])
        yield tick_array(instrument.pk, table[:, 1], table[:, 2], table[:, 3])


def moment(at: int) -> str:
    return from_microseconds(int(at)).isoformat()


class Check:
    """Looks at all ticks of one instrument, chunk by chunk."""

    def __init__(self, report: Audit) -> None:
        self.report = report

    def feed(self, ticks: Ticks) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Finish after the last chunk."""


class SeqCheck(Check):
    """seq is 1, 2, 3 ...; times ascend; prices are at least one tick."""

    def __init__(self, report: Audit) -> None:
        super().__init__(report)
        self._seq, self._at = 0, BEGINNING

    def feed(self, ticks: Ticks) -> None:
        seq, at = ticks["seq"], ticks["at"]
        before = np.concatenate(([self._seq], seq[:-1]))
        for i in np.flatnonzero(seq != before + 1):
            self.report.note(f"seq {before[i]} is followed by {seq[i]}")
        earlier = np.concatenate(([self._at], at[:-1]))
        for i in np.flatnonzero(at <= earlier):
            self.report.note(
                f"tick {seq[i]} at {moment(at[i])} is not later than the one before it, "
                f"{moment(earlier[i])}"
            )
        for i in np.flatnonzero(ticks["ticks"] < 1):
            self.report.note(f"tick {seq[i]} has a price of {ticks['ticks'][i]} ticks")
        self._seq, self._at = int(seq[-1]), int(at[-1])


class CandleCheck(Check):
    """The closed candles of every timeframe are those that the ticks give, no more, no less."""

    def __init__(self, report: Audit, instrument: Instrument) -> None:
        super().__init__(report)
        self._instrument = instrument
        self._open = {seconds: np.empty(0, dtype=CANDLE) for seconds in SECONDS}
        self._compared_to = dict.fromkeys(SECONDS, BEGINNING)

    def feed(self, ticks: Ticks) -> None:
        minutes = from_ticks(ticks, SECONDS[0])
        for seconds in SECONDS:
            candles = coarsen(np.concatenate((self._open[seconds], minutes)), seconds)
            closed, self._open[seconds] = candles[:-1], candles[-1:]
            if len(closed):
                self._compare(seconds, closed, int(candles[-1]["opened_at"]))

    def close(self) -> None:
        """Look for candles that are not closed yet, or before all ticks where none closed."""
        for seconds in SECONDS:
            stored = Candle.objects.of(self._instrument, seconds)
            since = from_stored(stored.filter(opened_at__gte=self._compared_to[seconds]))
            latest = Quote.objects.latest_of(self._instrument)  # after the candles: both may grow
            end = BEGINNING
            if latest is not None:
                end = opened_at(to_microseconds(latest.at), seconds)
            beyond = since["opened_at"] >= end
            if len(self._open[seconds]):
                beyond |= since["opened_at"] < self._open[seconds]["opened_at"][0]
            for candle in since[beyond]:
                self._note(seconds, candle["opened_at"], "is stored but not closed by any tick")

    def _compare(self, seconds: int, right: Candles, end: int) -> None:
        stored = from_stored(
            Candle.objects.of(self._instrument, seconds).filter(
                opened_at__gte=self._compared_to[seconds], opened_at__lt=end
            )
        )
        self._compared_to[seconds] = end
        self.report.candles += len(stored)
        if np.array_equal(stored, right):
            return
        opened = stored["opened_at"]
        for candle in right[~np.isin(right["opened_at"], opened)]:
            self._note(seconds, candle["opened_at"], "is missing")
        for candle in stored[~np.isin(opened, right["opened_at"])]:
            self._note(seconds, candle["opened_at"], "is stored but has no ticks")
        _, ours, theirs = np.intersect1d(right["opened_at"], opened, return_indices=True)
        different = right[ours] != stored[theirs]
        for candle, wrong in zip(right[ours][different], stored[theirs][different], strict=True):
            fields = ", ".join(
                f"{name} {wrong[name]} instead of {candle[name]}"
                for name in CANDLE.names or ()
                if wrong[name] != candle[name]
            )
            self._note(seconds, candle["opened_at"], f"has {fields}")

    def _note(self, seconds: int, opened: int, what: str) -> None:
        self.report.note(f"candle {NAMES[seconds]} of {moment(opened)} {what}")


def from_stored(candles: QuerySet[Candle]) -> Candles:
    """Return stored candles, ascending, as an array."""
    fields = [name for name in CANDLE.names or () if name != "opened_at"]
    rows = candles.values_list(Cast("opened_at", BigIntegerField()), *fields)
    return np.array(list(rows), dtype=CANDLE)


class RunCheck(Check):
    """Since a run of the law began, ticks are on its grid of times and move by one tick."""

    def __init__(self, report: Audit, instrument: Instrument) -> None:
        super().__init__(report)
        self._runs = list(Run.objects.filter(instrument=instrument).order_by("first_seq"))
        self._price = 0

    def feed(self, ticks: Ticks) -> None:
        before = np.concatenate(([self._price], ticks["ticks"][:-1]))
        for run, following in zip_longest(self._runs, self._runs[1:]):
            inside = ticks["seq"] >= run.first_seq
            if following is not None:
                inside &= ticks["seq"] < following.first_seq
            if inside.any():
                self._check(run, ticks[inside], before[inside])
        self._price = int(ticks["ticks"][-1])

    def _check(self, run: Run, ticks: Ticks, before: NDArray[np.int64]) -> None:
        seq = ticks["seq"]
        due = to_microseconds(run.started_at) + (seq - run.first_seq) * run.interval_us
        for i in np.flatnonzero(ticks["at"] != due):
            self.report.note(
                f"tick {seq[i]} is at {moment(ticks['at'][i])}, its run of seed {run.seed} "
                f"has it at {moment(due[i])}"
            )
        before = np.where(seq == run.first_seq, run.start_ticks, before)
        for i in np.flatnonzero(np.abs(ticks["ticks"] - before) != 1):
            self.report.note(
                f"tick {seq[i]} moves from {before[i]} to {ticks['ticks'][i]} ticks, not by one"
            )


def check_regimes(report: Audit, instrument: Instrument, last_seq: int) -> None:
    """Regimes tile the ticks since the first run: no hole, no overlap, the last one open."""
    runs = Run.objects.filter(instrument=instrument, first_seq__lte=last_seq)
    regimes = list(
        Regime.objects.filter(instrument=instrument, first_seq__lte=last_seq).order_by("first_seq")
    )
    report.regimes = len(regimes)
    if (first_run := runs.first()) is not None:
        began = regimes[0].first_seq if regimes else None
        if began != first_run.first_seq:
            report.note(f"the law began at tick {first_run.first_seq}, its first regime at {began}")
    for previous, regime in pairwise(regimes):
        if previous.last_seq != regime.first_seq - 1:
            report.note(
                f"the regime from tick {previous.first_seq} ends with tick {previous.last_seq}, "
                f"the next begins with tick {regime.first_seq}"
            )
        if previous.ended_at != regime.started_at:
            report.note(
                f"the regime from tick {previous.first_seq} ends at {previous.ended_at}, "
                f"the next begins at {regime.started_at}"
            )
    if regimes and regimes[-1].last_seq is not None and regimes[-1].last_seq <= last_seq:
        report.note(f"no regime is in force after tick {regimes[-1].last_seq}")
    for regime in regimes:
        if not abs(regime.phi) <= LARGEST_PHI:
            report.note(f"the regime from tick {regime.first_seq} has phi {regime.phi}")
    check_starts(report, instrument, regimes)
    beyond = Regime.objects.filter(instrument=instrument, first_seq__gt=last_seq)
    for regime in list(beyond):
        if regime.first_seq > last_seq_of(instrument):
            report.note(f"the regime from tick {regime.first_seq} begins after all ticks")


def check_starts(report: Audit, instrument: Instrument, regimes: list[Regime]) -> None:
    """Every regime starts at the time of its first tick."""
    for i in range(0, len(regimes), 500):
        ids = [quote_id(instrument.pk, regime.first_seq) for regime in regimes[i : i + 500]]
        starts = dict(Quote.objects.filter(pk__in=ids).values_list("seq", "at"))
        for regime in regimes[i : i + 500]:
            if starts.get(regime.first_seq) != regime.started_at:
                report.note(
                    f"the regime from tick {regime.first_seq} starts at {regime.started_at}, "
                    f"the tick is at {starts.get(regime.first_seq)}"
                )


def last_seq_of(instrument: Instrument) -> int:
    latest = Quote.objects.latest_of(instrument)
    return 0 if latest is None else latest.seq
