from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indicators.catalogue import CATALOGUE, Indicator, of_prices
from indicators.laboratory import LaboratoryRow, coverage, newest_readings
from instruments.models import Instrument
from web.snapshots import Snapshot


def _of_prices() -> list[LaboratoryRow]:
    return newest_readings(of_prices())


def of_flow() -> list[Indicator]:
    """Return the indicators of what only instruments with a book have."""
    return [indicator for indicator in CATALOGUE.values() if not indicator.reads_prices]


def _of_flow() -> list[LaboratoryRow]:
    return newest_readings(of_flow(), Instrument.objects.filter(has_book=True))


estimates = Snapshot(_of_prices, seconds=2.0)
flow_estimates = Snapshot(_of_flow, seconds=2.0)


def _coverages() -> list[tuple[Any, ...]]:
    return [(indicator, *coverage(indicator)) for indicator in CATALOGUE.values()]


coverages = Snapshot(_coverages, seconds=60.0)


@require_safe
def laboratory(request: HttpRequest) -> HttpResponse:
    """Show each estimate beside the truth."""
    context = {
        "indicators": of_prices(),
        "rows": estimates.get(),
        "flow_indicators": of_flow(),
        "flow_rows": flow_estimates.get(),
        "coverage": coverages.get(),
    }
    return render(request, "indicators/laboratory.html", context)
