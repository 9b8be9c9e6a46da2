"""Private endpoints of orders: /v5/order."""

from typing import Any

from django.db.models import Q, QuerySet

from exchange.accounts.opening import cancel_on_disconnect
from exchange.clearing.orders import State
from exchange.models import Order
from exchange.models.orders import OPEN_STATES
from venues.bybit import words
from venues.bybit.accounts.orderrows import current, order_rows
from venues.bybit.categories import Category
from venues.bybit.envelopes import page
from venues.bybit.errors import parameter_error
from venues.bybit.fields import Fields
from venues.bybit.listed import all_listed, by_key, find
from venues.bybit.rest.calls import Call, Result
from venues.bybit.rest.paging import page_of, within
from venues.bybit.trading import batchorders, orders, sweeping

RECENT: int = 500
"""Closed orders that /v5/order/realtime still shows."""
FILTERS = ("Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")


def create(call: Call) -> Result:
    return Result(orders.create(call.trader, call.fields).as_json())


def amend(call: Call) -> Result:
    return Result(orders.amend(call.trader, call.fields).as_json())


def cancel(call: Call) -> Result:
    return Result(orders.cancel(call.trader, call.fields).as_json())


def cancel_all(call: Call) -> Result:
    cancelled = sweeping.cancel_all(call.trader, call.fields)
    return Result({"list": [each.as_json() for each in cancelled], "success": "1"})


def create_batch(call: Call) -> Result:
    return Result(*batchorders.as_results(batchorders.create(call.trader, call.fields)))


def amend_batch(call: Call) -> Result:
    return Result(*batchorders.as_results(batchorders.amend(call.trader, call.fields)))


def cancel_batch(call: Call) -> Result:
    return Result(*batchorders.as_results(batchorders.cancel(call.trader, call.fields)))


def disconnected_cancel_all(call: Call) -> Result:
    """Cancel open orders when the last private stream of this key disconnects."""
    call.fields.whole("timeWindow", 3, 300)
    if call.trader.key is not None:
        cancel_on_disconnect(call.trader.key, is_on=True)
    return Result({})


def realtime(call: Call) -> Result:
    """Return open orders; with an id or openOnly=1 also the newest closed ones."""
    fields = call.fields
    found = orders_of(call)
    named = orders.named(found, fields)
    if named is None:
        wants_closed = fields.choice("openOnly", {"0": 0, "1": 1, "2": 1}, 0)
        named = recent_closed(call, found) if wants_closed else found.filter(state__in=OPEN_STATES)
        if not (fields.has("symbol") or fields.has("baseCoin") or fields.has("settleCoin")):
            raise parameter_error("one of symbol, baseCoin and settleCoin is required")
    rows, next_page = page_of(named, fields)
    return listing(call, [current(row) for row in as_rows(rows)], next_page)


def history(call: Call) -> Result:
    """Return closed orders."""
    fields = call.fields
    found = orders_of(call).filter(state__in=closed_states())
    if fields.has("orderStatus"):
        found = with_status(found, fields)
    named = orders.named(found, fields)
    wanted = within(found if named is None else named, fields, "created_at")
    rows, next_page = page_of(wanted, fields)
    return listing(call, as_rows(rows), next_page)


def orders_of(call: Call) -> "QuerySet[Order]":
    """Return the account's orders that category, symbol, coins and orderFilter select."""
    fields = call.fields
    found = Order.objects.filter(account=call.trader.account, instrument__in=keys_of(fields))
    found = found.select_related("instrument")
    if fields.has("orderFilter"):
        wanted = fields.choice("orderFilter", {name: name for name in FILTERS})
        is_conditional = Q(trigger_ticks__gt=0)
        if wanted == "Order":
            return found.exclude(is_conditional)
        return found.filter(is_conditional) if wanted == "StopOrder" else found.none()
    return found


def keys_of(fields: Fields) -> list[int]:
    """Return the instruments of a category, symbol, base coin or settle coin."""
    if not fields.category().is_served:
        return []
    if fields.has("symbol"):
        return [find(fields.text("symbol")).key]
    settle, base = fields.text("settleCoin", "USDT"), fields.text("baseCoin")
    if settle != "USDT":
        return []
    return [each.key for each in all_listed().values() if base in ("", each.symbol.base_coin)]


def recent_closed(call: Call, found: "QuerySet[Order]") -> "QuerySet[Order]":
    mine = Order.objects.filter(account=call.trader.account, state__in=closed_states())
    oldest = list(mine.order_by("-pk").values_list("pk", flat=True)[:RECENT])[-1:]
    closed = found.filter(state__in=closed_states())
    return closed.filter(pk__gte=oldest[0]) if oldest else closed.none()


def closed_states() -> list[int]:
    return [state.value for state in State if state.is_final]


def with_status(found: "QuerySet[Order]", fields: Fields) -> "QuerySet[Order]":
    """Return the closed orders with an orderStatus."""
    wanted = fields.choice("orderStatus", {name: name for name in words.STATES})
    found = found.filter(state__in=[state.value for state in words.STATES[wanted]])
    refused, cancelled = State.REJECTED.value, State.CANCELLED.value
    by_book = Q(state=refused, cause__in=list(words.REFUSED_BY_BOOK))
    dropped = Q(state=cancelled, trigger_ticks__gt=0, filled=0, cause=words.CANCELLED_BY_ACCOUNT)
    if wanted == "Cancelled":
        return found.filter(by_book | (Q(state=cancelled) & ~dropped))
    if wanted == "Rejected":
        return found.exclude(by_book)
    if wanted == "Deactivated":
        return found.filter(Q(state=State.EXPIRED.value) | dropped)
    return found


def as_rows(orders: list[Order]) -> list[dict[str, Any]]:
    return order_rows(orders, {key: each.lattice for key, each in by_key().items()})


def listing(call: Call, rows: list[dict[str, Any]], cursor: str) -> Result:
    return Result(page(rows, cursor, category=category(call.fields)))


def category(fields: Fields) -> str:
    return fields.category(Category.LINEAR).value
