"""Pages of orders of bots: the list, one with its history; changing and cancelling it."""

import json
from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from rest_framework.exceptions import ValidationError

from market.times import from_microseconds
from trading import acting
from trading.http.orders import STATES, amendment, find_order, order_detail
from trading.listings import ORDER_WORDS, ORDERS
from trading.models import BotOrder
from trading.pages.charts import chart_of
from trading.pages.guards import NEXT, forbidden, page, private, tell
from trading.pages.paging import paged
from trading.pages.sorting import known
from trading.pages.tables import Order, table
from trading.roles import Role, bots_of, role_of
from trading.statistics import statistics

COLUMNS: Final = (
    "client_id", "bot", "symbol", "strategy", "side", "style", "price", "quantity", "filled",
    "state", "created_at",
)  # fmt: skip
SORTS: Final = {
    "bot": "bot__name",
    "symbol": "instrument__symbol",
    "strategy": "strategy",
    "side": "side",
    "style": "style",
    "quantity": "lots",
    "filled": "filled",
    "state": "state",
    "created_at": "id",
}
NEWEST: Final = "-created_at"
FILTERS: Final = ("state", "symbol", "strategy")


def order_address(order: BotOrder) -> str:
    return reverse("bot-order", args=[order.pk])


@require_safe
@private()
def orders(request: HttpRequest) -> HttpResponse:
    """List orders, filtered and sorted as asked; unknown filters show nothing."""
    mine = BotOrder.objects.filter(bot__in=bots_of(request.user))
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in FILTERS}
    sort = known(request.GET.get("sort", NEWEST), SORTS, NEWEST)
    found = paged(request, _filtered(mine, request).order_by(*_columns(sort)))
    context = {
        "table": table(ORDERS, found.rows, COLUMNS, order_address, Order(SORTS, sort, request.GET)),
        "paged": found,
        "sort": request.GET.get("sort", ""),
        "statistics": statistics(bots_of(request.user)),
        "asked": asked,
        "choices": {
            "state": list(STATES),
            "symbol": distinct(mine, "instrument__symbol"),
            "strategy": distinct(mine, "strategy"),
        },
    }
    return page(request, "orders", **context)


def _filtered(mine: "QuerySet[BotOrder]", request: HttpRequest) -> "QuerySet[BotOrder]":
    rows = mine.select_related("bot", "instrument")
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in FILTERS}
    if "\0" in request.GET.get("symbol", "") + request.GET.get("strategy", ""):
        return rows.none()
    if asked["state"]:
        rows = rows.filter(state__in=STATES.get(asked["state"], []))
    if asked["symbol"]:
        rows = rows.filter(instrument__symbol=asked["symbol"])
    if asked["strategy"]:
        rows = rows.filter(strategy=asked["strategy"])
    return rows


def _columns(sort: str) -> tuple[str, ...]:
    sign = "-" if sort.startswith("-") else ""
    column = f"{sign}{SORTS[sort.removeprefix('-')]}"
    return (column,) if column.removeprefix("-") == "id" else (column, "-id")


def distinct(rows: "QuerySet[Any]", column: str) -> list[str]:
    return list(rows.order_by(column).values_list(column, flat=True).distinct())


@require_http_methods(["GET", "HEAD", "POST"])
@private()
def order(request: HttpRequest, order_id: str) -> HttpResponse:
    """Show an order with its history, its fills and the profit of its position.

    POST changes it (`action` amend) or cancels it.
    """
    found = find_order(request.user, order_id)
    if request.method != "POST":
        return _detail(request, found, {}, {})
    if role_of(request.user) < Role.TRADER:
        return forbidden(request, Role.TRADER)
    if request.POST.get("action") == "amend":
        return _amended(request, found)
    tell(request, lambda: acting.cancel(found), "The order is cancelled, or has ended before.")
    return redirect(order_address(found) + NEXT)


def _amended(request: HttpRequest, order: BotOrder) -> HttpResponse:
    """Change quantity and price of an order; what is wrong with a number is said beside it."""
    given = {name: request.POST.get(name, "").strip() for name in ("quantity", "price")}
    try:
        lots, ticks = amendment(order, {name: text for name, text in given.items() if text})
    except ValidationError as error:
        return _detail(request, order, given, error.detail)
    if order.life.is_final:
        messages.error(request, f"The order is {ORDER_WORDS[order.life.state]} already.")
    else:
        tell(request, lambda: acting.amend(order, lots=lots, ticks=ticks), "The order is changed.")
    return redirect(order_address(order) + NEXT)


def _detail(request: HttpRequest, order: BotOrder, given: Any, errors: Any) -> HttpResponse:
    detail = order_detail(order)
    for row in detail["history"]:
        row["when"] = from_microseconds(row["at"] * 1000)
    levels = {"limit": order.ticks} if order.ticks else {}
    context = {
        "order": order,
        "detail": detail,
        "signal": json.dumps(order.context, indent=2),
        "price_chart": chart_of(order.instrument, levels, order.fills.all()),
        "given": given or {"quantity": detail["quantity"], "price": detail["price"]},
        "errors": errors,
    }
    response = page(request, "order", **context)
    response.status_code = 400 if errors else 200
    return response
