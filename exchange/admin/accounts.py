"""Admin of accounts and API keys, and read-only pages of what the desk made of them."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from exchange.accounts.listings import CAUSES
from exchange.accounts.opening import MoneyError, create_key, money_units, open_account, revoke
from exchange.accounts.readiness import is_open
from exchange.accounts.results import answered
from exchange.accounts.submission import Sender, move_money
from exchange.admin.shown import money, price
from exchange.models import Account, ApiKey, Command, LedgerEntry, Leverage, Order, Position
from quotes.admin import RecordedAdmin


class MoneyForm(forms.Form):
    amount = forms.DecimalField(
        max_digits=18, decimal_places=8, help_text="Negative: a withdrawal."
    )

    def clean_amount(self) -> int:
        """Return the amount in MONEY_UNITS."""
        amount: Decimal = self.cleaned_data["amount"]
        try:
            units = money_units(amount)
        except MoneyError as error:
            raise ValidationError(str(error)) from error
        if not units:
            raise ValidationError("The amount must not be 0.")
        return units


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin[Account]):
    list_display = ["name", "owner", "shown_balance", "fees", "is_practice", "created_at"]
    list_filter = ["is_practice", "fees", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["name", "owner__username"]
    autocomplete_fields = ["owner"]
    fields = ["name", "owner", "fees", "shown_balance", "events", "executions", "created_at"]
    ordering = ["-id"]
    actions = ["move_money"]

    @admin.action(description="Deposit or withdraw money", permissions=["change"])
    def move_money(
        self, request: HttpRequest, queryset: QuerySet[Account]
    ) -> TemplateResponse | None:
        """Ask for an amount, then book it in the ledger of each selected account."""
        form = MoneyForm(request.POST if "apply" in request.POST else None)
        if form.is_valid():
            for account in queryset:
                self.book(request, account, form.cleaned_data["amount"])
            return None
        context = {
            **admin.site.each_context(request),
            "title": "Deposit or withdraw money",
            "accounts": queryset,
            "form": form,
        }
        return TemplateResponse(request, "admin/exchange/money.html", context)

    def book(self, request: HttpRequest, account: Account, amount: int) -> None:
        """Have the exchange move money, and say what it did."""
        command = move_money(Sender(account=account), amount)
        if not is_open():
            text = "will be booked when the exchange runs"
            self.message_user(request, f"{account}: {money(amount)} {text}", messages.WARNING)
            return
        reason = answered(command).reason
        if reason is None:
            text = "is waiting for the exchange"
            self.message_user(request, f"{account}: {money(amount)} {text}", messages.WARNING)
        elif (cause := CAUSES[reason]).is_rejection:
            self.message_user(request, f"{account}: {cause.text}", messages.ERROR)
        else:
            account.refresh_from_db()
            text = f"{money(amount)} booked, the balance is {money(account.balance)}"
            self.message_user(request, f"{account}: {text}")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Fix the fees, which the desk has in memory; the records fix the rest."""
        recorded = ["shown_balance", "events", "executions", "created_at"]
        return recorded if obj is None else [*recorded, "fees"]

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Write only what may change: the journal updates balances meanwhile."""
        if change:
            obj.save(update_fields=["name", "owner"])
            return
        opened = open_account(name=obj.name, balance=0, fees=obj.fees, owner=obj.owner)
        obj.pk, obj.created_at = opened.pk, opened.created_at

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="balance", ordering="balance")
    def shown_balance(self, account: Account) -> str:
        return money(account.balance)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    """Keys are created and revoked; the secret is shown once, in the answer to the form."""

    list_display = ["key", "account", "label", "can_trade", "last_used_at", "revoked_at"]
    list_filter = [
        ("revoked_at", admin.EmptyFieldListFilter),
        "can_trade",
        "cancel_on_disconnect",
        "last_used_at",
    ]
    list_select_related = ["account"]
    search_fields = ["key", "label", "account__name"]
    autocomplete_fields = ["account"]
    fields = [
        "account", "label", "can_trade", "cancel_on_disconnect", "key", "created_at",
        "last_used_at", "revoked_at",
    ]  # fmt: skip
    actions = ["revoke_keys"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        made = ["key", "created_at", "last_used_at", "revoked_at"]
        return made if obj is None else [*made, "account"]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["label", "can_trade", "cancel_on_disconnect"])
            return
        made = create_key(
            obj.account,
            label=obj.label,
            can_trade=obj.can_trade,
            cancel_on_disconnect=obj.cancel_on_disconnect,
        )
        obj.pk, obj.key, obj.created_at = made.key.pk, made.key.key, made.key.created_at
        request.new_secret = made.secret  # type: ignore[attr-defined]  # for response_add

    def response_add(self, request: HttpRequest, obj: ApiKey, *args: Any) -> HttpResponse:
        """Show the secret in this answer only: messages would be kept in a cookie."""
        context = {
            **admin.site.each_context(request),
            "title": "New API key",
            "key": obj,
            "secret": request.new_secret,  # type: ignore[attr-defined]  # set in save_model
        }
        response = TemplateResponse(request, "admin/exchange/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke_keys(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        keys = list(queryset.filter(revoked_at=None))
        for key in keys:
            revoke(key)
        self.message_user(request, f"{len(keys)} keys revoked")


class OfAccountAdmin(RecordedAdmin):
    """Rows of accounts, found by the name of the account."""

    list_select_related = ["account", "instrument"]
    search_fields = ["=account__name"]
    search_help_text = "Exact name of the account."
    ordering = ["-id"]


@admin.register(Order)
class OrderAdmin(OfAccountAdmin):
    list_display = [
        "id", "account", "chart", "side", "type", "limit", "quantity", "done", "state", "client_id",
        "created_at",
    ]  # fmt: skip
    list_filter = ["state", "instrument", "type", "side"]
    search_fields = ["=account__name", "=client_id"]
    search_help_text = "Exact name of the account, or client id."

    @admin.display(description="limit")
    def limit(self, order: Order) -> str:
        return price(order.instrument, order.ticks)

    @admin.display
    def quantity(self, order: Order) -> str:
        return f"{order.instrument.lattice.quantity(order.lots):f}"

    @admin.display(description="filled")
    def done(self, order: Order) -> str:
        return f"{order.instrument.lattice.quantity(order.filled):f}"


@admin.register(Command)
class CommandAdmin(OfAccountAdmin):
    list_display = ["id", "account", "kind", "symbol", "order_id", "done", "reason", "received_at"]
    list_filter = ["done", "kind", "instrument"]
    search_fields = ["=account__name", "=client_id"]

    @admin.display(description="instrument")
    def symbol(self, command: Command) -> str:
        return "" if command.instrument is None else command.instrument.symbol


@admin.register(Position)
class PositionAdmin(OfAccountAdmin):
    list_display = ["id", "account", "chart", "quantity", "entry", "profit", "updated_at"]

    @admin.display
    def quantity(self, position: Position) -> str:
        return f"{position.instrument.lattice.quantity(position.lots):f}"

    @admin.display(description="cost at entry")
    def entry(self, position: Position) -> str:
        return money(position.cost)

    @admin.display(description="realised")
    def profit(self, position: Position) -> str:
        return money(position.realised)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(OfAccountAdmin):
    list_display = ["id", "account", "at", "cause", "shown_amount", "symbol", "execution_seq"]
    list_filter = ["cause", "instrument"]

    @admin.display(description="amount")
    def shown_amount(self, entry: LedgerEntry) -> str:
        return money(entry.amount)

    @admin.display(description="instrument")
    def symbol(self, entry: LedgerEntry) -> str:
        return "" if entry.instrument is None else entry.instrument.symbol


@admin.register(Leverage)
class LeverageAdmin(OfAccountAdmin):
    list_display = ["id", "account", "chart", "leverage"]
