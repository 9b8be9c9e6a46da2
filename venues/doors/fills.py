"""Orders as they were at an event, even if more has happened since."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.models import Execution, Order, OrderEvent

EVENT_FIELDS: Final = ("state", "cause", "ticks", "trigger_ticks", "lots", "filled")


@dataclass
class Fills:
    """The executions of one order, oldest first."""

    rows: Sequence[Execution]

    def first(self, filled: int) -> Iterator[Execution]:
        """Yield the executions of the first `filled` lots."""
        lots = 0
        for row in self.rows:
            if lots >= filled:
                return
            lots += row.lots
            yield row

    def upto(self, filled: int) -> tuple[int, int]:
        """Return the value (sum of ticks * lots) and the fees of the first `filled` lots."""
        rows = list(self.first(filled))
        return sum(row.ticks * row.lots for row in rows), sum(row.fee for row in rows)


def fills_of(orders: Iterable[int]) -> dict[int, Fills]:
    found: dict[int, list[Execution]] = {}
    for row in Execution.objects.filter(order__in=list(orders)).order_by("number"):
        found.setdefault(row.order, []).append(row)
    return {order: Fills(rows) for order, rows in found.items()}


def as_of(order: Order, event: OrderEvent, fills: Fills) -> int:
    """Make an order what it was at an event; return the fees that it had paid by then."""
    for name in EVENT_FIELDS:
        setattr(order, name, getattr(event, name))
    order.updated_at = event.at
    order.value, fees = fills.upto(event.filled)
    return fees
