"""Read-only admin of recorded data, without counting or scanning whole tables."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html

from instruments.models import Instrument
from journal.models import Lease, Stream
from market.integers import parse_integer
from market.keys import LARGEST_SEQ, row_key
from quotes.models import Candle, Quote, Regime, Run

COUNTED_ROWS = 10_000


class UncountedPaginator(Paginator[Any]):
    """Stops counting at COUNTED_ROWS, so that the page of a large table opens quickly."""

    @cached_property
    def count(self) -> int:
        return len(self.object_list.order_by().values_list("pk")[:COUNTED_ROWS])  # type: ignore[attr-defined]  # always a QuerySet


class RecordedAdmin(admin.ModelAdmin[Any]):
    """Read-only, newest first by index, with a filter by instrument."""

    paginator = UncountedPaginator
    show_full_result_count = False
    list_select_related = ["instrument"]
    list_filter = ["instrument"]
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="chart")
    def chart(self, row: Any) -> str:
        instrument = row.instrument
        return format_html('<a href="{}">{}</a>', instrument.get_absolute_url(), instrument.symbol)

    @admin.display(description="price")
    def price(self, row: Quote) -> str:
        return f"{row.instrument.lattice.price(row.ticks):f}"


class ExactSeqSearch(RecordedAdmin):
    """Searches for an exact seq, with or without the instrument filter."""

    search_fields = ["=seq"]
    search_help_text = "Exact seq, e.g. 1234."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return self.at_seq(queryset, parse_integer(term, 0, LARGEST_SEQ)), False
        except ValueError:
            return queryset.none(), False

    def at_seq(self, queryset: QuerySet[Model], seq: int) -> QuerySet[Model]:
        return queryset.filter(first_seq__lte=seq, last_seq__gte=seq)


@admin.register(Quote)
class QuoteAdmin(ExactSeqSearch):
    list_display = ["chart", "seq", "at", "price"]
    list_display_links = ["seq"]
    ordering = ["-id"]

    def at_seq(self, queryset: QuerySet[Any], seq: int) -> QuerySet[Any]:
        """Find the seq of each instrument by primary key."""
        keys = Instrument.objects.values_list("pk", flat=True)
        return queryset.filter(pk__in=[row_key(key, seq) for key in keys])


@admin.register(Candle)
class CandleAdmin(RecordedAdmin):
    list_display = [
        "id",
        "chart",
        "timeframe",
        "opened_at",
        "open",
        "high",
        "low",
        "close",
        "count",
    ]
    list_filter = ["timeframe", "instrument"]
    ordering = ["-id"]


@admin.register(Regime)
class RegimeAdmin(ExactSeqSearch):
    list_display = ["chart", "seq", "phi", "at", "first_seq"]
    list_display_links = ["seq"]
    ordering = ["-id"]

    def at_seq(self, queryset: QuerySet[Any], seq: int) -> QuerySet[Any]:
        """Return the regime of each instrument that is in force at tick `seq`."""
        keys = Instrument.objects.values_list("pk", flat=True)
        before = Regime.objects.filter(first_seq__lte=seq).order_by("-first_seq").values("pk")
        found = [before.filter(instrument=key).values_list("pk", flat=True).first() for key in keys]
        return queryset.filter(pk__in=[pk for pk in found if pk is not None])


@admin.register(Run)
class RunAdmin(RecordedAdmin):
    list_display = ["id", "chart", "seed", "interval_us", "first_seq", "started_at"]
    ordering = ["-id"]


@admin.register(Lease)
class LeaseAdmin(RecordedAdmin):
    list_display = ["holder", "chart", "acquired_at", "renewed_at"]
    ordering = ["instrument"]


@admin.register(Stream)
class StreamAdmin(RecordedAdmin):
    list_display = ["id", "chart", "kind", "last_seq", "epoch"]
    list_filter = ["kind", "instrument"]
    ordering = ["instrument", "kind"]
