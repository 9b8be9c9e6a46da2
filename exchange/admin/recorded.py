"""Read-only admin of the exchange's recorded facts."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet

from exchange.models import (
    BookBlock,
    Checkpoint,
    Episode,
    Execution,
    Flow,
    Funding,
    Message,
    OrderEvent,
    Trade,
    TradeCandle,
)
from instruments.models import Instrument
from market.keys import row_key
from quotes.admin import CandleAdmin, ExactSeqSearch


class RecordAdmin(ExactSeqSearch):
    """Records, newest first, found by their exact seq."""

    list_display_links = ["seq"]
    ordering = ["-id"]

    def at_seq(self, queryset: QuerySet[Model], seq: int) -> QuerySet[Model]:
        """Find the seq of each instrument by primary key."""
        keys = Instrument.objects.values_list("pk", flat=True)
        return queryset.filter(pk__in=[row_key(key, seq) for key in keys])

    @admin.display(description="quantity")
    def quantity(self, row: Any) -> str:
        return f"{row.instrument.lattice.quantity(row.lots):f}"


@admin.register(Trade)
class TradeAdmin(RecordAdmin):
    list_display = ["chart", "seq", "at", "price", "quantity", "side", "maker", "taker"]


@admin.register(BookBlock)
class BookBlockAdmin(RecordAdmin):
    list_display = ["chart", "seq", "at", "slot", "event", "updates", "is_snapshot"]


@admin.register(Message)
class MessageAdmin(RecordAdmin):
    list_display = ["chart", "seq", "at", "slot", "event", "owner", "order", "kind", "ticks"]


@admin.register(Flow)
class FlowAdmin(RecordAdmin):
    list_display = ["chart", "seq", "at", "first_slot", "kappa", "theta", "market_orders"]


@admin.register(Episode)
class EpisodeAdmin(RecordAdmin):
    list_display = ["chart", "seq", "kind", "began_at", "at", "first_trade", "last_trade"]
    list_filter = ["kind", "instrument"]
    readonly_fields = ["details"]

    @admin.display
    def details(self, episode: Episode) -> str:
        return bytes(episode.data).decode()


@admin.register(Checkpoint)
class CheckpointAdmin(RecordAdmin):
    list_display = ["chart", "seq", "at", "slot", "event", "trade_seq", "message_seq"]

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        """Leave out the states, which are large."""
        return super().get_queryset(request).defer("data")


@admin.register(OrderEvent)
class OrderEventAdmin(RecordAdmin):
    list_display = ["chart", "seq", "at", "account", "order", "state", "cause", "filled"]


@admin.register(Execution)
class ExecutionAdmin(RecordAdmin):
    list_display = ["chart", "seq", "at", "account", "order", "side", "price", "quantity"]


@admin.register(Funding)
class FundingAdmin(RecordAdmin):
    list_display = ["chart", "seq", "at", "account", "cause", "position", "amount"]


@admin.register(TradeCandle)
class TradeCandleAdmin(CandleAdmin):
    list_display = [*CandleAdmin.list_display, "volume", "buy_volume"]
