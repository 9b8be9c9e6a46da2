"""Admin of bots; what bots did, and the log of it, is read-only."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from exchange.admin.shown import money, price
from quotes.admin import RecordedAdmin
from trading.models import (
    AuditEntry,
    Bot,
    BotConfiguration,
    BotFill,
    BotOrder,
    BotPosition,
    FundingPayment,
    IdempotencyRecord,
    KillSwitch,
    Recovery,
    Transition,
)


@admin.register(Bot)
class BotAdmin(admin.ModelAdmin[Bot]):
    list_display = [
        "name", "owner", "broker", "account", "venue_account", "is_wanted", "runner",
        "heartbeat_at",
    ]  # fmt: skip
    list_filter = ["broker", "is_wanted"]
    list_select_related = ["owner", "account", "venue_account"]
    search_fields = ["name"]
    autocomplete_fields = ["owner", "account"]
    fields = [
        "name", "owner", "broker", "account", "venue_account", "on_death", "is_wanted", "runner",
        "heartbeat_at", "created_at",
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Fix what the runner writes, and where a bot trades once it exists."""
        written = ["is_wanted", "runner", "heartbeat_at", "created_at"]
        return written if obj is None else [*written, "name", "broker", "account", "venue_account"]

    def save_model(self, request: HttpRequest, obj: Bot, form: Any, change: bool) -> None:
        """Write only what may change: the runner updates the row meanwhile."""
        if change:
            obj.save(update_fields=["owner", "on_death"])
            return
        obj.created_at = timezone.now()
        obj.save()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OfBotAdmin(RecordedAdmin):
    """Rows of bots, newest first, found by the name of the bot."""

    list_select_related = ["bot", "instrument"]
    search_fields = ["=bot__name"]
    search_help_text = "Exact name of the bot."
    ordering = ["-id"]

    @admin.display(description="quantity")
    def quantity(self, row: Any) -> str:
        return f"{row.instrument.lattice.quantity(row.lots):f}"


@admin.register(BotOrder)
class BotOrderAdmin(OfBotAdmin):
    list_display = [
        "client_id", "bot", "chart", "side", "style", "limit", "quantity", "done", "state",
        "created_at",
    ]  # fmt: skip
    list_filter = ["state", "instrument", "side"]
    search_fields = ["=bot__name", "=client_id", "=trace_id"]
    search_help_text = "Exact name of the bot, client id or trace id."

    @admin.display(description="limit")
    def limit(self, order: BotOrder) -> str:
        return price(order.instrument, order.ticks)

    @admin.display(description="filled")
    def done(self, order: BotOrder) -> str:
        return f"{order.instrument.lattice.quantity(order.filled):f}"


@admin.register(BotPosition)
class BotPositionAdmin(OfBotAdmin):
    list_display = ["id", "bot", "chart", "state", "quantity", "profit", "paid", "opened_at"]
    list_filter = ["state", "instrument"]

    @admin.display(description="realised")
    def profit(self, position: BotPosition) -> str:
        return money(position.realised)

    @admin.display(description="fees")
    def paid(self, position: BotPosition) -> str:
        return money(position.fees)


@admin.register(BotFill)
class BotFillAdmin(RecordedAdmin):
    list_display = ["id", "order", "at", "ticks", "lots", "is_maker", "shown_fee"]
    list_select_related = ["order__instrument"]
    list_filter = ["is_maker"]
    search_fields = ["=order__client_id"]
    search_help_text = "Exact client id of the order."
    ordering = ["-id"]

    @admin.display(description="fee")
    def shown_fee(self, fill: BotFill) -> str:
        return money(fill.fee)


@admin.register(FundingPayment)
class FundingPaymentAdmin(RecordedAdmin):
    list_display = ["id", "bot", "position", "paid_at", "venue_id", "shown_amount"]
    list_select_related = ["bot", "position__bot", "position__instrument"]
    list_filter = ["bot"]
    search_fields = ["bot__name"]
    ordering = ["-id"]

    @admin.display(description="received")
    def shown_amount(self, payment: FundingPayment) -> str:
        return money(payment.amount)


@admin.register(Transition)
class TransitionAdmin(RecordedAdmin):
    list_display = ["id", "order_id", "position_id", "version", "source", "target", "cause", "at"]
    list_select_related: ClassVar[list[str]] = []
    list_filter = [("order", admin.EmptyFieldListFilter)]
    search_fields = ["=trace_id"]
    search_help_text = "Exact trace id."
    ordering = ["-id"]


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordedAdmin):
    list_display = ["seq", "at", "actor", "action", "bot", "trace_id"]
    list_select_related: ClassVar[list[str]] = []
    list_filter = ["action"]
    search_fields = ["=trace_id", "=actor"]
    search_help_text = "Exact trace id or actor."
    ordering = ["-seq"]


@admin.register(BotConfiguration)
class BotConfigurationAdmin(RecordedAdmin):
    list_display = ["id", "bot", "number", "author", "created_at"]
    list_select_related = ["bot"]
    list_filter = ["bot"]
    ordering = ["-id"]


@admin.register(KillSwitch)
class KillSwitchAdmin(RecordedAdmin):
    list_display = ["id", "bot", "is_on", "thrown_at", "thrown_by", "released_at", "released_by"]
    list_select_related = ["bot"]
    list_filter = ["is_on"]
    ordering = ["-id"]


@admin.register(Recovery)
class RecoveryAdmin(RecordedAdmin):
    list_display = ["id", "bot", "actor", "began_at", "orders", "executions", "open_findings"]
    list_select_related = ["bot"]
    list_filter = ["bot"]
    ordering = ["-id"]


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(RecordedAdmin):
    list_display = ["id", "scope", "key", "done", "claimed_until", "expires_at"]
    list_select_related: ClassVar[list[str]] = []
    list_filter = ["done"]
    search_fields = ["=scope", "=key"]
    search_help_text = "Exact scope or key."
    ordering = ["-id"]
