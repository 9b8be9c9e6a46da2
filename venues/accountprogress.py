"""What a broker has passed on of an account: repeats and late messages change nothing. Pure.

Numbers of executions are their times in milliseconds, followed by bits of their ids.
"""

from collections import OrderedDict
from typing import Any, Final

from venues.brokers import Cursor, ExecutionSeen, OrderSeen
from venues.feeds.events import key_of

HASH_BITS: Final = 20
OVERLAP_MS: Final = 5_000
"""Changes may become visible a little later than their times."""
REMEMBERED: Final = 10_000
Change = OrderSeen | ExecutionSeen


def execution_number(at_ms: int, execution_id: str, order_id: str) -> int:
    """Return the number of an execution; those of one trade differ by their orders."""
    return first_number(at_ms) + key_of(f"{execution_id} {order_id}") % (1 << HASH_BITS)


def first_number(at_ms: int) -> int:
    return at_ms << HASH_BITS


def time_of(number: int) -> int:
    """Return the milliseconds of an execution's number."""
    return number >> HASH_BITS


class Progress:
    """Knows executions by their numbers, and the last state and fills of orders."""

    def __init__(self, since: Cursor) -> None:
        self._orders_ms = since.orders
        self._execution = since.executions
        self._executions: OrderedDict[int, None] = OrderedDict()
        self._orders: OrderedDict[str, tuple[Any, ...]] = OrderedDict()
        self._filled: OrderedDict[str, int] = OrderedDict()
        """Lots of each order in the executions that were passed on, by the orders' client ids."""

    @property
    def orders_from_ms(self) -> int:
        """The time since which orders may have changed unseen."""
        return max(0, self._orders_ms - OVERLAP_MS)

    @property
    def executions_from(self) -> int:
        """The number from which on executions may have happened unseen."""
        return first_number(max(0, time_of(self._execution) - OVERLAP_MS))

    def is_new(self, change: Change) -> bool:
        """Return whether a change was not passed on; from now on it was."""
        if isinstance(change, ExecutionSeen):
            return self._is_new_execution(change)
        report = change.report
        state = (report.number, report.filled, report.lots, report.ticks, report.state)
        last = self._orders.get(change.venue_id)
        if last is not None and (last == state or state[:2] < last[:2]):
            return False
        _remember(self._orders, change.venue_id, state)
        self._orders_ms = max(self._orders_ms, report.number)
        return True

    def includes_unseen(self, order: OrderSeen) -> bool:
        """Return whether an order has been filled by executions that were not passed on."""
        return order.report.filled > self._filled.get(order.client_id, 0)

    def _is_new_execution(self, seen: ExecutionSeen) -> bool:
        if seen.number in self._executions:
            return False
        _remember(self._executions, seen.number, None)
        filled = self._filled.get(seen.client_id, 0) + seen.lots
        _remember(self._filled, seen.client_id, filled)
        self._execution = max(self._execution, seen.number)
        return True


def _remember(known: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > REMEMBERED:
        known.popitem(last=False)
