"""What a new order must satisfy before prices and money play a part."""

from typing import Final

from exchange.clearing.accounts import Holding
from exchange.clearing.orders import Cause, Order, OrderType, TriggerDirection
from exchange.engine.messages import TimeInForce

LARGEST_LOTS: Final = 2**40
LARGEST_TICKS: Final = 2**40
MOST_OPEN_ORDERS: Final = 500
"""Of an account in one instrument."""


def form(order: Order) -> Cause | None:
    """Return what is wrong with an order in itself, if anything."""
    market = order.type is OrderType.MARKET
    if order.side not in (1, -1) or (market and order.tif is TimeInForce.POST_ONLY):
        return Cause.UNSUPPORTED
    if not (order.lots == 0 if order.close else 1 <= order.lots <= LARGEST_LOTS):
        return Cause.INVALID_LOTS
    if not (order.ticks == 0 if market else 1 <= order.ticks <= LARGEST_TICKS):
        return Cause.INVALID_TICKS
    if not 0 <= order.trigger_ticks <= LARGEST_TICKS:
        return Cause.INVALID_TRIGGER
    return None


def room(holding: Holding) -> Cause | None:
    """Return whether an account has too many open orders already."""
    count = len(holding.resting) + len(holding.untriggered)
    return Cause.TOO_MANY_ORDERS if count >= MOST_OPEN_ORDERS else None


def trigger(order: Order, price: int) -> Cause | None:
    """Return whether a conditional order would fire at once."""
    if order.trigger_direction is TriggerDirection.RISING:
        return Cause.TRIGGER_NOT_ABOVE if order.trigger_ticks <= price else None
    return Cause.TRIGGER_NOT_BELOW if order.trigger_ticks >= price else None
