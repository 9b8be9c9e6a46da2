from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indicators.catalogue import CATALOGUE
from indicators.laboratory import coverage, newest_readings
from web.snapshots import Snapshot

estimates = Snapshot(newest_readings, seconds=2.0)


def _coverages() -> list[tuple[Any, ...]]:
    return [(indicator, *coverage(indicator)) for indicator in CATALOGUE.values()]


coverages = Snapshot(_coverages, seconds=60.0)


@require_safe
def laboratory(request: HttpRequest) -> HttpResponse:
    """Show each estimate beside the truth."""
    context = {
        "indicators": CATALOGUE.values(),
        "rows": estimates.get(),
        "coverage": coverages.get(),
    }
    return render(request, "indicators/laboratory.html", context)
