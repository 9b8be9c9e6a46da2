from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indicators.catalogue import CATALOGUE, Indicator, of_prices
from indicators.laboratory import LaboratoryRow, coverages, newest_readings
from indicators.models import Reading
from instruments.models import Instrument
from web.sharedresults import SharedResult


def _of_prices() -> list[LaboratoryRow]:
    return newest_readings(of_prices())


def of_flow() -> list[Indicator]:
    """Return the indicators of what only instruments with a book have."""
    return [indicator for indicator in CATALOGUE.values() if not indicator.reads_prices]


class FlowEstimates(NamedTuple):
    """Readings by indicator, one for each of the instruments."""

    instruments: list[Instrument]
    rows: list[tuple[Indicator, list[Reading | None]]]


def _of_flow() -> FlowEstimates:
    indicators = of_flow()
    found = newest_readings(indicators, Instrument.objects.filter(has_book=True))
    rows = [(each, [row.readings[i] for row in found]) for i, each in enumerate(indicators)]
    return FlowEstimates([row.instrument for row in found], rows)


estimates = SharedResult(_of_prices, seconds=2.0)
flow_estimates = SharedResult(_of_flow, seconds=2.0)


def _coverages() -> list[tuple[Any, ...]]:
    listed = list(CATALOGUE.values())
    return [(CATALOGUE[name], *found) for name, found in coverages(listed).items()]


coverage = SharedResult(_coverages, seconds=60.0)


@require_safe
def laboratory(request: HttpRequest) -> HttpResponse:
    """Show each estimate beside the truth."""
    context = {
        "indicators": of_prices(),
        "rows": estimates.get(),
        "flow": flow_estimates.get(),
        "coverage": coverage.get(),
    }
    return render(request, "indicators/laboratory.html", context)
