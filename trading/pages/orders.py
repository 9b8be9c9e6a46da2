"""Pages of orders and positions of bots; cancelling and closing them."""

import json
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from exchange.accounts.loading import marks
from market.times import from_microseconds
from quotes.models import Candle
from quotes.pages import sparkline
from trading import acting
from trading.http.orders import STATES, find_order, order_detail
from trading.http.positions import POSITION_STATES, find_position
from trading.listings import ORDERS, POSITIONS, unrealised
from trading.models import BotOrder, BotPosition
from trading.pages.guards import page, private, tell
from trading.pages.tables import table
from trading.roles import Role, bots_of, role_of
from trading.statistics import statistics

SHOWN: Final = 100
MINUTE_S: Final = 60
CLOSES: Final = 60
ORDER_COLUMNS: Final = (
    "client_id", "bot", "symbol", "strategy", "side", "style", "price", "quantity", "filled",
    "state", "created_at",
)  # fmt: skip
POSITION_COLUMNS: Final = (
    "symbol", "bot", "state", "quantity", "entry_price", "realised", "fees", "opened_at",
)  # fmt: skip
SORTS: Final = {
    "newest": "-id",
    "oldest": "id",
    "symbol": "instrument__symbol",
    "state": "state",
    "quantity": "-lots",
}


def order_address(order: BotOrder) -> str:
    return reverse("bot-order", args=[order.pk])


@require_safe
@private()
def orders(request: HttpRequest) -> HttpResponse:
    """List orders, filtered and sorted as asked; unknown filters show nothing."""
    mine = BotOrder.objects.filter(bot__in=bots_of(request.user))
    asked = {name: request.GET.get(name, "") for name in ("state", "symbol", "strategy", "sort")}
    rows: QuerySet[BotOrder] = mine
    if asked["state"]:
        rows = rows.filter(state__in=STATES.get(asked["state"], []))
    if asked["symbol"]:
        rows = rows.filter(instrument__symbol=asked["symbol"].replace("\0", ""))
    if asked["strategy"]:
        rows = rows.filter(strategy=asked["strategy"].replace("\0", ""))
    order = SORTS.get(asked["sort"], "-id")
    newest = rows.select_related("bot", "instrument").order_by(order, "-id")[:SHOWN]
    context = {
        "table": table(ORDERS, newest, ORDER_COLUMNS, order_address),
        "statistics": statistics(bots_of(request.user)),
        "asked": asked,
        "choices": {
            "state": list(STATES),
            "symbol": distinct(mine, "instrument__symbol"),
            "strategy": distinct(mine, "strategy"),
            "sort": list(SORTS),
        },
    }
    return page(request, "orders", **context)


def distinct(rows: "QuerySet[Any]", column: str) -> list[str]:
    return list(rows.order_by(column).values_list(column, flat=True).distinct())


@require_http_methods(["GET", "HEAD", "POST"])
@private()
def order(request: HttpRequest, order_id: str) -> HttpResponse:
    """Show an order with its history, its fills and the profit of its position; POST cancels it."""
    found = find_order(request.user, order_id)
    if request.method == "POST":
        if role_of(request.user) < Role.TRADER:
            return render(request, "403.html", status=403)
        tell(request, lambda: acting.cancel(found), "The order is cancelled, or has ended before.")
        return redirect("bot-order", found.pk)
    closes = Candle.objects.filter(instrument=found.instrument, timeframe=MINUTE_S)
    newest = list(closes.order_by("-opened_at").values_list("close", flat=True)[:CLOSES])
    detail = order_detail(found)
    for row in detail["history"]:
        row["when"] = from_microseconds(row["at"] * 1000)
    context = {
        "order": found,
        "detail": detail,
        "signal": json.dumps(found.context, indent=2),
        "points": sparkline.points(newest[::-1]),
        "box": {"width": sparkline.WIDTH, "height": sparkline.HEIGHT},
    }
    return page(request, "order", **context)


@require_safe
@private()
def positions(request: HttpRequest) -> HttpResponse:
    """List positions with the profit of closing them now."""
    state = request.GET.get("state", "")
    rows: QuerySet[BotPosition] = BotPosition.objects.filter(bot__in=bots_of(request.user))
    if state:
        rows = rows.filter(state=POSITION_STATES.get(state, -1))
    newest = list(rows.select_related("bot", "instrument").order_by("state", "-id")[:SHOWN])
    at = marks({each.instrument_id for each in newest})
    context = {
        "table": table(POSITIONS, newest, POSITION_COLUMNS),
        "profits": {each.pk: unrealised(each, at) for each in newest if each.lots},
        "asked": {"state": state},
        "choices": {"state": list(POSITION_STATES)},
    }
    return page(request, "positions", **context)


@require_POST
@private(Role.TRADER)
def close(request: HttpRequest, position_id: str) -> HttpResponse:
    """Close a position at the market."""
    found = find_position(request.user, position_id)
    if found.lots:
        tell(request, lambda: acting.close(found), f"Closing {found} at the market.")
    return redirect("positions")
