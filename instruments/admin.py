from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from instruments.models import Instrument


@admin.register(Instrument)
class InstrumentAdmin(admin.ModelAdmin[Instrument]):
    list_display = ["symbol", "name", "tick_size", "lot_size", "currency", "has_book", "chart"]
    list_filter = ["has_book", "currency"]
    search_fields = ["symbol", "name"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Fix the symbol, which URLs contain, and sizes in whose units records are stored."""
        if obj is None:
            return []
        sizes = {"tick_size": "quotes", "lot_size": "trades"}
        return ["symbol", *(size for size, kind in sizes.items() if obj.has_recorded(kind))]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow deleting one instrument at a time, and only without quotes."""
        if obj is None or obj.quotes.exists():
            return False
        return super().has_delete_permission(request, obj)

    @admin.display(description="chart")
    def chart(self, instrument: Instrument) -> str:
        return format_html('<a href="{}">chart</a>', instrument.get_absolute_url())
