"""Orders of bots over HTTP: lists, one with its history, cancelling."""

from typing import Any, Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound

from exchange.accounts.loading import marks
from exchange.clearing.checks import LARGEST_LOTS, LARGEST_TICKS
from exchange.http.orderbodies import counted
from exchange.http.tables import answer, documented, exact_json
from market.integers import parse_integer
from market.quoting import quoted
from trading.acting import amend, cancel
from trading.core.orderstates import OrderState
from trading.http import schemas
from trading.http.authentication import RoleView
from trading.http.bots import LARGEST_ID, READ, WRITE
from trading.http.lists import BOT, OBJECT, STRATEGY, SYMBOL, filtered, read, within
from trading.http.venues import KEY, Conflict, at_venue, once_only
from trading.listings import (
    ORDER_WORDS,
    ORDERS,
    POSITIONS,
    average_fill,
    transition_record,
    unrealised,
)
from trading.models import BotOrder
from trading.roles import bots_of
from web.bodies import Body
from web.views import PAGED

STATES: Final = {word: [state.value] for state, word in ORDER_WORDS.items()} | {
    "working": [state.value for state in OrderState if state <= OrderState.PARTIALLY_FILLED],
}


class OrdersView(RoleView):
    @documented(
        "bot_orders_list",
        ORDERS,
        [
            BOT,
            SYMBOL,
            STRATEGY,
            OpenApiParameter("state", {"type": "string", "enum": list(STATES)}),
            *PAGED,
        ],
    )
    def get(self, request: Any) -> HttpResponseBase:
        """Orders of your bots, the newest first."""
        asked = read(request, "bot", "symbol", "strategy", "state")
        mine = BotOrder.objects.filter(bot__in=bots_of(request.user))
        rows = filtered(mine, request, symbol="instrument__symbol", strategy="strategy")
        if "state" in request.GET:
            rows = rows.filter(state__in=STATES[asked.choice("state", tuple(STATES), "")])
        rows = within(rows, asked, "created_at").select_related("bot", "instrument")
        return answer(request, ORDERS, rows, asked)


class OrderView(RoleView):
    @extend_schema(
        operation_id="bot_orders_read",
        tags=["bots"],
        responses={(200, "application/json"): OBJECT, **READ},
    )
    def get(self, request: Any, order_id: str) -> HttpResponse:
        """An order with its history, its fills and the profit of its position now."""
        return exact_json(order_detail(find_order(request.user, order_id)))

    @extend_schema(
        operation_id="bot_orders_amend",
        tags=["bots"],
        parameters=[KEY],
        request={"application/json": schemas.AMENDMENT},
        responses={(200, "application/json"): OBJECT, **WRITE},
    )
    def patch(self, request: Any, order_id: str) -> HttpResponse:
        """Change quantity (in total) and price of an order that is working."""
        order = find_order(request.user, order_id)
        lots, ticks = amendment(order, request.data)
        if order.life.is_final:
            raise Conflict(f"the order is {ORDER_WORDS[order.life.state]} already")

        def amended() -> HttpResponse:
            at_venue(lambda: amend(order, lots=lots, ticks=ticks))
            return exact_json(order_detail(find_order(request.user, order_id)))

        now = {"order": order.pk, "version": order.version, "lots": lots, "ticks": ticks}
        return once_only(request, "amend", now, amended, is_versioned=True)

    @extend_schema(
        operation_id="bot_orders_cancel",
        tags=["bots"],
        parameters=[KEY],
        responses={(200, "application/json"): OBJECT, **WRITE},
    )
    def delete(self, request: Any, order_id: str) -> HttpResponse:
        """Cancel an order; one that has ended is answered as it is."""
        order = find_order(request.user, order_id)

        def cancelled() -> HttpResponse:
            if not order.life.is_final:
                at_venue(lambda: cancel(order))
            return exact_json(order_detail(find_order(request.user, order_id)))

        now = {"order": order.pk, "version": order.version}
        return once_only(request, "cancel", now, cancelled, is_versioned=True)


def amendment(order: BotOrder, data: Any) -> tuple[int, int]:
    """Return the lots and ticks that a body asks for; raise ValidationError."""
    body, lattice = Body(data, ("quantity", "price")), order.instrument.lattice
    lots, ticks = order.lots, order.ticks
    if body.has("quantity"):
        lots = counted(body, "quantity", lattice.quantities, LARGEST_LOTS)
    if body.has("price"):
        ticks = counted(body, "price", lattice.prices, LARGEST_TICKS)
    elif not body.has("quantity"):
        body.refuse("price", "is missing, and so is quantity: give one of them")
    body.check()
    return lots, ticks


def find_order(user: Any, order_id: str) -> BotOrder:
    """Return an order of a user's bots; raise NotFound for those of others as for none."""
    mine = BotOrder.objects.filter(bot__in=bots_of(user))
    try:
        return mine.select_related("bot__account", "instrument", "position").get(
            pk=parse_integer(order_id, 1, LARGEST_ID)
        )
    except (ValueError, BotOrder.DoesNotExist):
        raise NotFound(f"your bots have no order {quoted(order_id)}") from None


def order_detail(order: BotOrder) -> dict[str, Any]:
    history = order.transitions.order_by("version").select_related("order__instrument")
    found: dict[str, Any] = {
        **ORDERS.record(order),
        "average_price": average_fill(order),
        "context": order.context,
        "history": [transition_record(row) for row in history],
        "position": None,
    }
    position = order.position
    if position is not None:
        position.instrument, position.bot = order.instrument, order.bot
        profit = unrealised(position, marks([position.instrument_id]))
        found["position"] = {**POSITIONS.record(position), "unrealised": profit}
    return found
