"""The laboratory: estimates with the truth, and the coverage of their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import OuterRef, QuerySet

from archive.database import fetch
from indicators.catalogue import CATALOGUE, Indicator, parameters_key
from indicators.models import Reading, ReadingQuerySet
from instruments.models import Instrument

READINGS = 10_000
"""Readings of an indicator that the coverage counts."""
AT_ONCE = 200
"""Instruments of one query: SQLite joins no more than 500 SELECTs."""
NEWEST = (
    "SELECT * FROM (SELECT indicator, value, low, high, truth, null_low, null_high "
    "FROM indicators_reading WHERE instrument_id = %s AND indicator = %s AND parameters = %s "
    "AND step = 1 ORDER BY window_end DESC LIMIT %s) AS of_instrument"
)
COUNTS = (
    "count(CASE WHEN value IS NOT NULL AND low IS NOT NULL AND truth IS NOT NULL THEN 1 END), "
    "count(CASE WHEN value IS NOT NULL AND low <= truth AND high >= truth THEN 1 END), "
    "count(CASE WHEN value IS NOT NULL AND null_low IS NOT NULL THEN 1 END), "
    "count(CASE WHEN null_low <= value AND null_high >= value THEN 1 END)"
)


@dataclass(frozen=True)
class Coverage:
    """In how many readings the interval contained the truth, or the band the value."""

    readings: int
    held: int

    @property
    def percent(self) -> float | None:
        return 100 * self.held / self.readings if self.readings else None


@dataclass(frozen=True)
class LaboratoryRow:
    instrument: Instrument
    indicators: Sequence[Indicator]
    readings: Sequence[Reading | None]
    """The newest of each indicator."""

    @property
    def phi(self) -> float | None:
        """The mean phi over the window of the estimate of phi: what it should find."""
        for indicator, reading in zip(self.indicators, self.readings, strict=True):
            if indicator.estimates_phi and reading is not None:
                return reading.truth
        return None


def newest_readings(
    indicators: Sequence[Indicator], which: QuerySet[Instrument] | None = None
) -> list[LaboratoryRow]:
    """Return the newest default reading of each indicator for the instruments, in 2 queries.

    Of every instrument if `which` is None.
    """
    which = Instrument.objects.all() if which is None else which
    newest = {f"newest_{i.name}": newest_of(i).values("pk")[:1] for i in indicators}
    instruments = list(which.order_by("pk").annotate(**newest))
    wanted = [[getattr(one, name) for name in newest] for one in instruments]
    found = Reading.objects.in_bulk([pk for row in wanted for pk in row if pk is not None])
    return [
        LaboratoryRow(instrument, indicators, [found.get(pk) for pk in row])
        for instrument, row in zip(instruments, wanted, strict=True)
    ]


def newest_end() -> datetime | None:
    """Return the newest window end of a default reading of closes, of any instrument."""
    ends = Instrument.objects.annotate(end=newest_of(CATALOGUE["hurst"]).values("window_end")[:1])
    return max((end for end in ends.values_list("end", flat=True) if end), default=None)


def newest_of(indicator: Indicator) -> ReadingQuerySet:
    """Return the default readings of an instrument of an outer query, the newest first."""
    return Reading.objects.of(OuterRef("pk"), indicator.name, default_key(indicator)).order_by(
        "-window_end"
    )


def default_key(indicator: Indicator) -> str:
    return parameters_key(indicator.read({}))


def coverage(indicator: Indicator) -> tuple[Coverage, Coverage]:
    """Return how often the interval held the true value, and the null band the value."""
    return coverages([indicator])[indicator.name]


def coverages(indicators: Sequence[Indicator]) -> dict[str, tuple[Coverage, Coverage]]:
    """Return the coverage of intervals and null bands by indicator.

    Of the newest READINGS default readings of each, the same number of every instrument that it
    reads: the length of the history does not matter.
    """
    instruments = list(Instrument.objects.values_list("pk", "has_book"))
    wanted = [
        (pk, indicator.name, default_key(indicator), max(1, READINGS // len(own)))
        for indicator in indicators
        for own in [[pk for pk, has_book in instruments if has_book or indicator.reads_prices]]
        for pk in own
    ]
    counts = {indicator.name: np.zeros(4, dtype=np.int64) for indicator in indicators}
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        newest = " UNION ALL ".join([NEWEST] * len(part))
        sql = f"SELECT indicator, {COUNTS} FROM ({newest}) AS newest GROUP BY indicator"  # noqa: S608
        for name, *counted in fetch(sql, [value for row in part for value in row]):
            counts[name] += np.array(counted, dtype=np.int64)
    return {name: _coverages(*found.tolist()) for name, found in counts.items()}


def _coverages(intervals: int, held: int, bands: int, inside: int) -> tuple[Coverage, Coverage]:
    return Coverage(intervals, held), Coverage(bands, inside)
