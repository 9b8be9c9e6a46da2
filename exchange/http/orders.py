"""Orders over HTTP: list, place, read, amend, cancel."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound

from exchange.accounts import submission
from exchange.accounts.listings import EVENTS, ORDERS, with_client_ids, word
from exchange.clearing.orders import State
from exchange.http.commands import (
    Conflict,
    TraderView,
    detailed,
    executed,
    order_answer,
    refuse_rejected,
    sender,
)
from exchange.http.orderbodies import CHANGE_SCHEMA, NEW_SCHEMA, changes, new_order, tradable
from exchange.http.tables import answer, documented, exact_json, problems, properties
from exchange.models import Account, Order, OrderEvent
from market.integers import parse_integer
from market.keys import LARGEST_SEQ
from market.quoting import quoted
from market.times import from_microseconds
from web import formats
from web.parameters import Parameters, refused
from web.views import PAGED, read

STATES = {word(state): [state.value] for state in State} | {
    "open": [state.value for state in State if not state.is_final],
    "closed": [state.value for state in State if state.is_final],
}
ORDER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ORDERS.columns,
    "properties": {
        **properties(ORDERS),
        "detail": {"type": "string", "nullable": True, "description": "The reason, in words."},
    },
}
SYMBOL = OpenApiParameter("symbol", str, description="Only of this instrument.")
OF_ORDER = OpenApiParameter("order", int, description="Only of the order with this id.")
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 64},
    OpenApiParameter.HEADER,
    description="Names the request; a repeat gives the first answer.",
)
WRITES = problems(400, 401, 403, 404, 409, 429, 503)
PENDING = "Stored, but not executed yet."


def order_responses(status: int) -> dict[Any, Any]:
    return {
        (status, "application/json"): ORDER_SCHEMA,
        (202, "application/json"): ORDER_SCHEMA,
        **WRITES,
    }


class OrdersView(TraderView):
    @documented(
        "orders_list",
        ORDERS,
        [
            SYMBOL,
            OpenApiParameter("state", {"type": "string", "enum": list(STATES)}),
            OpenApiParameter("client_id", str, description="Only the order with this client id."),
            *PAGED,
        ],
    )
    def get(self, request: Any) -> HttpResponseBase:
        """Orders of the account, the newest first."""
        allowed = ("symbol", "state", "client_id", *PAGED)
        asked = read(request, *allowed, formats=formats.TABLE_FORMATS)
        found = Order.objects.filter(account=request.user.account).select_related("instrument")
        if "state" in request.GET:
            found = found.filter(state__in=STATES[asked.choice("state", tuple(STATES), "")])
        if "client_id" in request.GET:
            found = found.filter(client_id=text(request, "client_id"))
        return answer(
            request, ORDERS, within(of_symbol(found, request), asked, "created_at"), asked
        )

    @extend_schema(
        operation_id="orders_create",
        tags=["trading"],
        parameters=[IDEMPOTENCY],
        request={"application/json": NEW_SCHEMA},
        responses=order_responses(201),
    )
    def post(self, request: Any) -> HttpResponse:
        """Place an order; answer what became of it. Its client id makes a repeat harmless."""
        new, client_id = new_order(request.data)
        command = executed(lambda: submission.place(sender(request, client_id), new))
        return order_answer(command, 201)

    @extend_schema(
        operation_id="orders_cancel_all",
        tags=["trading"],
        parameters=[SYMBOL, IDEMPOTENCY],
        request=None,
        responses={
            (200, "application/json"): {
                "type": "object",
                "required": ["cancelled"],
                "properties": {"cancelled": {"type": "integer", "nullable": True}},
            },
            (202, "application/json"): {"type": "object"},
            **WRITES,
        },
    )
    def delete(self, request: Any) -> HttpResponse:
        """Cancel all open orders, or those in one instrument."""
        Parameters(request.GET, ("symbol",))
        instrument = tradable(text(request, "symbol")) if "symbol" in request.GET else None
        command = executed(lambda: submission.cancel_all(sender(request), instrument))
        refuse_rejected(command)
        if command.result is None:
            return exact_json({"cancelled": None}, 202)
        return exact_json({"cancelled": command.result["lots"]})


class OrderView(TraderView):
    @extend_schema(
        operation_id="orders_read",
        tags=["trading"],
        request=None,
        responses={(200, "application/json"): ORDER_SCHEMA, **problems(401, 403, 404, 429, 503)},
    )
    def get(self, request: Any, order_id: str) -> HttpResponse:
        """One order, as it is now."""
        order = find_order(request.user.account, order_id)
        return exact_json(detailed(ORDERS.record(order), order.cause))

    @extend_schema(
        operation_id="orders_amend",
        tags=["trading"],
        parameters=[IDEMPOTENCY],
        request={"application/json": CHANGE_SCHEMA},
        responses=order_responses(200),
    )
    def patch(self, request: Any, order_id: str) -> HttpResponse:
        """Change price, quantity (in total) or trigger price of an open order.

        A smaller quantity at the same price keeps the place in the queue; other changes lose it.
        """
        order = find_order(request.user.account, order_id)
        asked = changes(request.data, order.instrument)
        refuse_ended(order)
        command = executed(lambda: submission.amend(sender(request), order, asked))
        refuse_rejected(command)
        return order_answer(command, 200)

    @extend_schema(
        operation_id="orders_cancel",
        tags=["trading"],
        parameters=[IDEMPOTENCY],
        request=None,
        responses=order_responses(200),
    )
    def delete(self, request: Any, order_id: str) -> HttpResponse:
        """Cancel an open order."""
        order = find_order(request.user.account, order_id)
        if not sender(request).client_id:
            refuse_ended(order)
        command = executed(lambda: submission.cancel(sender(request), order))
        refuse_rejected(command)
        return order_answer(command, 200)


class OrderEventsView(TraderView):
    @documented("orders_events", EVENTS, [SYMBOL, OF_ORDER, "since_seq", *PAGED])
    def get(self, request: Any) -> HttpResponseBase:
        """Every change of the account's orders, the newest first; after `since_seq`, ascending."""
        asked = numbered(request)
        found = OrderEvent.objects.filter(account=request.user.account.pk)
        rows = of_symbol(since(of_order(found, asked), asked), request)
        rows = with_client_ids(within(rows, asked, "at"))
        return answer(request, EVENTS, rows, asked, newest_first="since_seq" not in request.GET)


def find_order(account: Account, order_id: str) -> Order:
    """Return an order of the account; raise NotFound for those of others as for none."""
    try:
        key = parse_integer(order_id, -(2**62), 2**62)
        return Order.objects.select_related("instrument").get(pk=key, account=account)
    except (ValueError, Order.DoesNotExist):
        raise NotFound(f"you have no order {quoted(order_id)}: see /api/v1/orders/") from None


def refuse_ended(order: Order) -> None:
    if State(order.state).is_final:
        raise Conflict(f"order {order.pk} is {word(State(order.state))}: it cannot change any more")


def numbered(request: Any) -> Parameters:
    return read(request, "symbol", "order", "since_seq", *PAGED, formats=formats.TABLE_FORMATS)


def of_order(rows: "QuerySet[Any]", asked: Parameters) -> "QuerySet[Any]":
    order = asked.whole("order", -(2**62), 2**62, 0)
    return rows.filter(order=order) if order else rows


def since(rows: "QuerySet[Any]", asked: Parameters) -> "QuerySet[Any]":
    return rows.filter(number__gt=asked.whole("since_seq", 0, LARGEST_SEQ, 0))


def of_symbol(rows: "QuerySet[Any]", request: Any) -> "QuerySet[Any]":
    """Return the rows of the instrument that the query names; raise NotFound."""
    if "symbol" not in request.GET:
        return rows
    return rows.filter(instrument=tradable(text(request, "symbol")))


def text(request: Any, name: str) -> str:
    given: str = request.GET[name]
    if "\0" in given:
        raise refused(name, "contains a NUL character")
    return given


def within(rows: "QuerySet[Any]", asked: Parameters, field: str) -> "QuerySet[Any]":
    """Return the rows of the span that the query names."""
    start, end = asked.span()
    if start is not None:
        rows = rows.filter(**{f"{field}__gte": from_microseconds(start)})
    if end is not None:
        rows = rows.filter(**{f"{field}__lt": from_microseconds(end)})
    return rows
