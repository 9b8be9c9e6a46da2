from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indicators.catalogue import CATALOGUE
from indicators.laboratory import coverage, newest_readings


@require_safe
def laboratory(request: HttpRequest) -> HttpResponse:
    """Each estimate beside the truth, live."""
    context = {
        "indicators": CATALOGUE.values(),
        "rows": newest_readings(),
        "coverage": [(indicator, *coverage(indicator)) for indicator in CATALOGUE.values()],
    }
    return render(request, "indicators/laboratory.html", context)
