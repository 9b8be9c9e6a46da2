"""The laboratory: estimates beside the truth, and how often the intervals contained it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Max, Q

from indicators.catalogue import CATALOGUE, Indicator, parameters_key
from indicators.models import Reading
from instruments.models import Instrument


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
    readings: Sequence[Reading | None]
    """The newest of each indicator, in the order of the catalogue."""

    @property
    def phi(self) -> float | None:
        """The mean phi over the window of the estimate of phi: what it should find."""
        for indicator, reading in zip(CATALOGUE.values(), self.readings, strict=True):
            if indicator.estimates_phi and reading is not None:
                return reading.truth
        return None


def newest_readings() -> list[LaboratoryRow]:
    """Return the newest default reading of each indicator for every instrument, in 2 queries."""
    keys = [parameters_key(indicator.read({})) for indicator in CATALOGUE.values()]
    newest = (
        Reading.objects.filter(parameters__in=keys)
        .values("instrument", "indicator", "parameters")
        .annotate(end=Max("window_end"))
    )
    wanted = {
        (row["instrument"], row["indicator"], row["parameters"]): row["end"] for row in newest
    }
    found: dict[tuple[int, str], Reading] = {}
    ends = set(wanted.values())
    for reading in Reading.objects.filter(parameters__in=keys, window_end__in=ends):
        key = (reading.instrument_id, reading.indicator)
        if wanted.get((*key, reading.parameters)) == reading.window_end:
            found[key] = reading
    return [
        LaboratoryRow(instrument, [found.get((instrument.pk, name)) for name in CATALOGUE])
        for instrument in Instrument.objects.order_by("pk")
    ]


def coverage(indicator: Indicator) -> tuple[Coverage, Coverage]:
    """Return how often the interval contained the mean phi, and the null band the value."""
    told = Reading.objects.filter(
        indicator=indicator.name,
        parameters=parameters_key(indicator.read({})),
        value__isnull=False,
    )
    counts = told.aggregate(
        intervals=Count("id", filter=Q(low__isnull=False, truth__isnull=False)),
        held=Count("id", filter=Q(low__lte=F("truth"), high__gte=F("truth"))),
        bands=Count("id", filter=Q(null_low__isnull=False)),
        inside=Count("id", filter=Q(null_low__lte=F("value"), null_high__gte=F("value"))),
    )
    return (
        Coverage(counts["intervals"], counts["held"]),
        Coverage(counts["bands"], counts["inside"]),
    )
