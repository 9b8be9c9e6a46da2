"""Read-only pages of readings and computations, and the action `compute now`."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from indicators.models import ComputationRun, Reading
from indicators.publications import publish
from indicators.readings import scan_market
from indicators.runs import cancel
from instruments.models import Instrument
from live.frames import Publication
from live.membership import layer_errors
from quotes.admin import RecordedAdmin


@admin.register(Reading)
class ReadingAdmin(RecordedAdmin):
    list_display = [
        "id", "chart", "indicator", "window_end", "value", "low", "high", "null_low", "null_high",
        "truth", "reason",
    ]  # fmt: skip
    list_filter = ["indicator", "instrument"]
    ordering = ["-id"]


@admin.register(ComputationRun)
class ComputationRunAdmin(RecordedAdmin):
    list_display = ["id", "chart", "indicator", "state", "start", "end", "created_at", "error"]
    list_filter = ["state", "indicator"]
    ordering = ["-created_at"]
    actions = ["cancel_runs"]

    @admin.action(description="Cancel the selected computations")
    def cancel_runs(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        open_runs = [run for run in queryset if run.is_open]
        for run in open_runs:
            cancel(run)
        self.message_user(request, f"{len(open_runs)} computations cancelled")


@admin.action(description="Compute all indicators now")
def compute_now(model_admin: Any, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
    """Measure the selected instruments at the defaults, store and publish."""
    failed: list[Exception] = []

    def publish_or_note(publications: list[Publication]) -> None:
        try:
            publish(publications)
        except layer_errors() as error:
            failed.append(error)

    made = scan_market(queryset, publish_or_note)
    message = f"{made} readings computed"
    if failed:
        message += f", but not published: the channel layer is unavailable ({failed[0]})"
    level = messages.SUCCESS if made and not failed else messages.WARNING
    model_admin.message_user(request, message, level)


instrument_admin = admin.site.get_model_admin(Instrument)
instrument_admin.actions = [*(instrument_admin.actions or ()), compute_now]
