"""Pages of positions of bots: the list, one with its orders; closing and reversing it."""

from typing import Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from exchange.accounts.amounts import average_cost
from exchange.accounts.loading import marks
from trading import acting
from trading.http.positions import POSITION_STATES, find_position
from trading.listings import ORDERS, POSITIONS, unrealised
from trading.models import BotFill, BotOrder, BotPosition
from trading.pages.charts import chart_of
from trading.pages.guards import NEXT, page, private, tell
from trading.pages.orders import distinct, order_address
from trading.pages.paging import paged
from trading.pages.sorting import known
from trading.pages.tables import Order, table
from trading.roles import Role, bots_of

COLUMNS: Final = (
    "symbol", "bot", "state", "quantity", "entry_price", "realised", "fees", "opened_at",
)  # fmt: skip
SORTS: Final = {
    "symbol": "instrument__symbol",
    "bot": "bot__name",
    "state": "state",
    "realised": "realised",
    "fees": "fees",
    "opened_at": "id",
}
LIVE_FIRST: Final = "state"
ORDER_COLUMNS: Final = ("client_id", "side", "style", "price", "quantity", "filled", "state",
                        "created_at")  # fmt: skip
SHOWN: Final = 20
DONE: Final = {
    "close": "An order closes the position at the market.",
    "reverse": "Orders close the position and open the opposite one.",
}


def position_address(position: BotPosition) -> str:
    return reverse("position", args=[position.pk])


@require_safe
@private()
def positions(request: HttpRequest) -> HttpResponse:
    """List positions with the profit of closing them now."""
    mine: QuerySet[BotPosition] = BotPosition.objects.filter(bot__in=bots_of(request.user))
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in ("state", "symbol")}
    rows = mine.select_related("bot", "instrument")
    if asked["state"]:
        rows = rows.filter(state=POSITION_STATES.get(asked["state"], -1))
    if asked["symbol"]:
        rows = rows.filter(instrument__symbol=asked["symbol"])
    sort = known(request.GET.get("sort", LIVE_FIRST), SORTS, LIVE_FIRST)
    sign = "-" if sort.startswith("-") else ""
    column = f"{sign}{SORTS[sort.removeprefix('-')]}"
    found = paged(request, rows.order_by(column, *([] if column.endswith("id") else ["-id"])))
    at = marks({each.instrument_id for each in found.rows})
    order = Order(SORTS, sort, request.GET)
    context = {
        "table": table(POSITIONS, found.rows, COLUMNS, position_address, order),
        "paged": found,
        "sort": request.GET.get("sort", ""),
        "profits": {each.pk: unrealised(each, at) for each in found.rows if each.lots},
        "asked": asked,
        "choices": {
            "state": list(POSITION_STATES),
            "symbol": distinct(mine, "instrument__symbol"),
        },
    }
    return page(request, "positions", **context)


@require_safe
@private()
def position(request: HttpRequest, position_id: str) -> HttpResponse:
    """Show a position with its profit now, its fills on a chart, and its newest orders."""
    found = find_position(request.user, position_id)
    mark = marks([found.instrument_id])
    lattice, entry = found.instrument.lattice, {}
    if found.lots:
        cost = average_cost(found.instrument.lattice, found.cost, found.lots)
        entry = {} if cost is None else {"entry": round(cost / lattice.tick_size)}
    orders_of = BotOrder.objects.filter(position=found).select_related("bot", "instrument")
    context = {
        "position": found,
        "detail": POSITIONS.record(found),
        "mark": lattice.price(mark[found.instrument_id]) if mark else None,
        "unrealised": unrealised(found, mark) if found.lots else None,
        "price_chart": chart_of(found.instrument, entry, BotFill.objects.filter(position=found)),
        "table": table(ORDERS, orders_of.order_by("-id")[:SHOWN], ORDER_COLUMNS, order_address),
    }
    return page(request, "position", **context)


@require_POST
@private(Role.TRADER)
def act(request: HttpRequest, position_id: str, action: str) -> HttpResponse:
    """Close or reverse a position at the market; go on at the one that is live then."""
    found = find_position(request.user, position_id)
    if found.lots:
        tell(request, lambda: getattr(acting, action)(found), DONE[action])
    else:
        messages.error(request, "The position holds nothing any more.")
    live = BotPosition.objects.live().filter(bot=found.bot, instrument=found.instrument).first()
    return redirect(position_address(live or found) + NEXT)
