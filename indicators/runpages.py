"""The page of long computations: their progress; staff start and cancel them."""

from typing import Any

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.exceptions import APIException, NotFound

from indicators import runs
from indicators.catalogue import CATALOGUE
from indicators.models import ComputationRun
from indicators.runs_api import find_run, start_asked_run
from instruments.models import Instrument
from web.sharedresults import SharedResult

SHOWN = 50
FIELDS = ("indicator", "symbol", "start", "end", "n")


@require_http_methods(["GET", "HEAD", "POST"])
def computations(request: HttpRequest) -> HttpResponse:
    """List the newest computations; POST starts one."""
    if request.method != "POST":
        return render(request, "runs.html", page({}, []))
    if not request.user.is_staff:
        return render(request, "403.html", status=403)
    asked = {name: request.POST.get(name, "") for name in FIELDS}
    parameters = {"n": asked["n"]} if asked["n"] else {}
    try:
        start_asked_run(asked | {"parameters": parameters})
    except APIException as error:
        return render(request, "runs.html", page(asked, error_lines(error.detail)), status=400)
    newest_runs.forget()
    return redirect("runs")


def error_lines(detail: Any) -> list[str]:
    """Return the errors as lines, each naming its field."""
    if not isinstance(detail, dict):
        return [str(detail)]
    return [
        f"{name}: {reason}"
        for name, reasons in detail.items()
        for reason in (reasons if isinstance(reasons, list) else [reasons])
    ]


def page(asked: dict[str, str], problems: list[str]) -> dict[str, Any]:
    return {
        "runs": newest_runs.get(),
        "indicators": CATALOGUE.values(),
        "instruments": Instrument.objects.order_by("id"),  # read by staff only
        "asked": asked,
        "problems": problems,
    }


def _newest_runs() -> list[dict[str, Any]]:
    return [listing(run) for run in ComputationRun.objects.select_related("instrument")[:SHOWN]]


newest_runs = SharedResult(_newest_runs, seconds=1.0)


def listing(run: ComputationRun) -> dict[str, Any]:
    """Return what the page shows of a run."""
    found = runs.progress(run)
    return {
        "run": run,
        "title": CATALOGUE[run.indicator].title,
        "percent": int(100 * found["progress"]),
        "age": naturaltime(run.created_at),
        **found,
    }


@require_POST
def cancel(request: HttpRequest, run_id: str) -> HttpResponse:
    if not request.user.is_staff:
        return render(request, "403.html", status=403)
    try:
        runs.cancel(find_run(run_id))
    except NotFound as error:
        raise Http404(str(error.detail)) from error
    newest_runs.forget()
    return redirect("runs")
