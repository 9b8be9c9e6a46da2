"""Untriggered orders of one instrument, by the price that fires them."""

from exchange.clearing.orders import Order, TriggerDirection


class _Side:
    """Orders of one direction. Prices are multiplied by it, so that every order rises."""

    def __init__(self, direction: TriggerDirection) -> None:
        self.direction = int(direction)
        self.orders: dict[int, Order] = {}
        self.nearest: int | None = None

    def add(self, order: Order) -> None:
        self.orders[order.id] = order
        price = order.trigger_ticks * self.direction
        if self.nearest is None or price < self.nearest:
            self.nearest = price

    def discard(self, order: Order) -> None:
        if self.orders.pop(order.id, None) is None:
            return
        if order.trigger_ticks * self.direction == self.nearest:
            prices = (each.trigger_ticks * self.direction for each in self.orders.values())
            self.nearest = min(prices, default=None)

    def due(self, ticks: int) -> list[Order]:
        price = ticks * self.direction
        if self.nearest is None or price < self.nearest:
            return []
        return [
            order for order in self.orders.values() if price >= order.trigger_ticks * self.direction
        ]


class Triggers:
    """Untriggered orders that watch one price; asking what is due costs two comparisons.

    Discard an order before its trigger price changes, and add it again.
    """

    def __init__(self) -> None:
        self._rising = _Side(TriggerDirection.RISING)
        self._falling = _Side(TriggerDirection.FALLING)

    def __len__(self) -> int:
        return len(self._rising.orders) + len(self._falling.orders)

    def add(self, order: Order) -> None:
        """Watch for an order."""
        self._side(order).add(order)

    def discard(self, order: Order) -> None:
        """Stop watching for an order, if it is watched for."""
        self._side(order).discard(order)

    def due(self, lowest: int, highest: int) -> list[Order]:
        """Return the orders that a price moving within this range fires, oldest first."""
        due = self._rising.due(highest) + self._falling.due(lowest)
        return sorted(due, key=Order.age)

    def _side(self, order: Order) -> _Side:
        return self._rising if order.trigger_direction == self._rising.direction else self._falling
