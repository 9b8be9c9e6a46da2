"""Place, amend and cancel orders, one at a time: over REST and over the trade WebSocket."""

from django.db.models import QuerySet

from exchange.accounts import submission
from exchange.accounts.traders import Trader
from exchange.clearing.orders import State
from exchange.models import Order
from market.integers import parse_integer
from venues.bybit.errors import BybitError, RetCode, parameter_error
from venues.bybit.fields import Fields
from venues.bybit.listed import Listed, by_key
from venues.bybit.trading.orderfields import changes, link_id, new_order, tradable
from venues.bybit.trading.submitting import Ack, ack, executed, sender

TOO_LATE_TO_REPLACE = "order not exists or too late to replace"
LARGEST_ID = 2**62


def create(trader: Trader, fields: Fields) -> Ack:
    """Place an order; return its ids once the desk has accepted it; raise BybitError."""
    new, link = new_order(fields, fields.category())
    done = executed(lambda: submission.place(sender(trader, link), new))
    return Ack(str(done.order_id), link)


def amend(trader: Trader, fields: Fields) -> Ack:
    """Change quantity, price or trigger price of an open order; raise BybitError."""
    order, listed = open_order(trader, fields, TOO_LATE_TO_REPLACE)
    asked = changes(fields, listed)
    executed(lambda: submission.amend(sender(trader), order, asked))
    return ack(order)


def cancel(trader: Trader, fields: Fields) -> Ack:
    """Cancel an open order; raise BybitError."""
    order, _ = open_order(trader, fields)
    executed(lambda: submission.cancel(sender(trader), order))
    return ack(order)


def open_order(trader: Trader, fields: Fields, missing: str = "") -> tuple[Order, Listed]:
    """Return the open order that a request names, with its instrument; raise BybitError."""
    listed = tradable(fields, fields.category())
    found = named(Order.objects.filter(account=trader.account, instrument=listed.key), fields)
    if found is None:
        raise parameter_error("orderId or orderLinkId is required")
    order = found.first()
    if order is None or State(order.state).is_final:
        raise BybitError(RetCode.NO_ORDER, missing)
    order.instrument = listed.instrument
    return order, listed


def named(orders: "QuerySet[Order]", fields: Fields) -> "QuerySet[Order] | None":
    """Return the orders that orderId or orderLinkId name; None if neither is sent."""
    if fields.has("orderId"):
        try:
            return orders.filter(pk=parse_integer(fields.text("orderId"), -LARGEST_ID, LARGEST_ID))
        except ValueError:
            return orders.none()  # ids of other venues are texts
    if fields.has("orderLinkId"):
        return orders.filter(client_id=link_id(fields))
    return None


def of_listed(orders: "QuerySet[Order]") -> "QuerySet[Order]":
    """Return the orders in instruments of this door."""
    return orders.filter(instrument__in=list(by_key()))
