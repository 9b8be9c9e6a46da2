from django.contrib import admin
from django.http import HttpRequest

from venues.gateway.models import Connection, Person, PriceSubscription, PriceTicker


class SubscriptionInline(admin.TabularInline[PriceSubscription, Person]):
    model = PriceSubscription
    extra = 0


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin[Person]):
    list_display = ("account", "first_login_at", "last_login_at")
    search_fields = ("account",)
    readonly_fields = ("fingerprint", "account", "first_login_at", "last_login_at")
    inlines = (SubscriptionInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Connection)
class ConnectionAdmin(admin.ModelAdmin[Connection]):
    list_display = ("id", "person", "state", "reason", "opened_at", "expires_at")
    list_filter = ("state",)
    readonly_fields = ("person", "state", "reason", "opened_at", "expires_at")
    exclude = ("digest",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(PriceTicker)
class PriceTickerAdmin(admin.ModelAdmin[PriceTicker]):
    list_display = ("name", "instrument", "is_unknown", "error")
    readonly_fields = ("instrument", "error")
