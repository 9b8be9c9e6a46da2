"""What happened to the orders of an account, as rows of the topics `order` and `execution`.

Read once per account for all of its sockets; each row shows the order as it was at that event, even
if more has happened since.
"""

from collections.abc import Mapping
from typing import Any, Final

from exchange.accounts.listings import CAUSES
from exchange.clearing.orders import State
from exchange.models import Account, Execution, Order, OrderEvent
from venues.bybit.accounts import executionrows
from venues.bybit.accounts.closedlots import closed_lots
from venues.bybit.accounts.closedprofits import profit_of
from venues.bybit.accounts.executions import executions_as_rows
from venues.bybit.accounts.orderrows import order_row, streamed
from venues.bybit.accounts.pricesthen import last_prices
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
    closed = closed_lots(account, [row for each in fills.values() for row in each.rows])
    prices = last_prices(list(orders.values()))
    rows = []
    for event in events:
        order = orders[event.order]
        filled = fills.get(order.pk, Fills(()))
        fees = as_of(order, event, filled)
        row = order_row(order, order.instrument.lattice, fees, prices.get(order.pk, 0))
        rows.append(streamed(row, closed_profit(filled, event.filled, closed)))
    return rows


def closed_profit(fills: Fills, filled: int, closed: Mapping[int, int]) -> int:
    """Return what an order earned by closing, after fees, when `filled` lots were filled."""
    return sum(
        profit_of(row, closed[row.number]) for row in fills.first(filled) if closed[row.number]
    )


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
    rows = executions_as_rows(Account.objects.get(pk=account), list(found))[::-1]
    return [executionrows.streamed(row) for row in rows]


def fast(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `execution.fast`."""
    return {name: row[name] for name in FAST_FIELDS}
