"""What happened to the orders of an account, as rows of the topics `order` and `execution`.

Read once per account for all of its sockets; each row shows the order as it was at that event, even
if more has happened since.
"""

from typing import Any, Final

from exchange.accounts.listings import CAUSES
from exchange.clearing.orders import State
from exchange.models import Account, Execution, Order, OrderEvent
from venues.bybit.accounts.executions import executions_as_rows
from venues.bybit.accounts.orderrows import order_row
from venues.bybit.errors import rejection
from venues.bybit.listed import by_key
from venues.doors.fills import Fills, as_of, fills_of

FAST_FIELDS: Final = (
    "category",
    "symbol",
    "execId",
    "execPrice",
    "execQty",
    "orderId",
    "isMaker",
    "orderLinkId",
    "side",
    "execTime",
    "seq",
)


def order_messages(account: int, first: int, last: int) -> list[dict[str, Any]]:
    """Return the rows of `order` of the account's events first ... last."""
    listed = by_key()
    numbers = OrderEvent.objects.filter(account=account, number__gte=first, number__lte=last)
    events = [
        event
        for event in numbers.exclude(order=0).order_by("number")
        if event.instrument_id in listed and is_shown(event)
    ]
    orders = Order.objects.select_related("instrument").in_bulk({event.order for event in events})
    fills = fills_of(key for key, order in orders.items() if order.filled)
    rows = []
    for event in events:
        order = orders[event.order]
        fees = as_of(order, event, fills.get(order.pk, Fills(())))
        rows.append(order_row(order, order.instrument.lattice, fees))
    return rows


def is_shown(event: OrderEvent) -> bool:
    """Return whether a client sees an event: a command that was refused changed nothing."""
    cause = CAUSES[event.cause]
    if not cause.is_rejection:
        return True
    return event.state == State.REJECTED and rejection(cause) is None


def execution_messages(account: int, first: int, last: int) -> list[dict[str, Any]]:
    """Return the rows of `execution` of the account's executions first ... last."""
    numbers = Execution.objects.filter(account=account, number__gte=first, number__lte=last)
    found = numbers.filter(instrument__in=list(by_key())).order_by("-number")
    return executions_as_rows(Account.objects.get(pk=account), list(found))[::-1]


def fast(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `execution.fast`."""
    return {name: row[name] for name in FAST_FIELDS}
