"""Pages of executions, with what their orders and positions were."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Sum

from exchange.models import Account, Execution, Order
from venues.bybit.accounts.closedlots import closed_lots
from venues.bybit.accounts.executionrows import execution_row
from venues.bybit.accounts.pricesthen import marks_at
from venues.bybit.listed import by_key


def executions_as_rows(account: Account, found: Sequence[Execution]) -> list[dict[str, Any]]:
    """Return executions of one account, the newest first, as rows of Bybit."""
    listed, fees = by_key(), account.schedule
    orders = Order.objects.select_related("instrument").in_bulk({row.order for row in found})
    left, closed = lots_left(found, orders), closed_lots(account.pk, found)
    marks = marks_at(found)
    return [
        execution_row(
            row,
            orders[row.order],
            listed[row.instrument_id].lattice,
            fees,
            left=left[row.number],
            closed=closed[row.number],
            mark=marks.get(row.number, 0),
        )
        for row in found
    ]


def lots_left(found: Sequence[Execution], orders: Mapping[int, Order]) -> dict[int, int]:
    """Return by number the lots of its order that were open after each execution."""
    if not found:
        return {}
    later = Execution.objects.filter(order__in=list(orders), number__gt=found[0].number)
    filled_later = dict(
        later.values("order").annotate(lots=Sum("lots")).values_list("order", "lots")
    )
    left = {
        key: max(0, order.lots - order.filled) + filled_later.get(key, 0)
        for key, order in orders.items()
    }
    after: dict[int, int] = {}
    for row in found:
        after[row.number] = left[row.order]
        left[row.order] += row.lots
    return after
