"""Cancel all orders of an account, of an instrument or of a kind."""

from collections.abc import Callable, Sequence
from functools import partial

from exchange.accounts import submission
from exchange.accounts.submission import Sender
from exchange.accounts.traders import Trader
from exchange.clearing.orders import State
from exchange.models import Account, Command, Order, OrderEvent
from venues.bybit.categories import Category
from venues.bybit.errors import parameter_error
from venues.bybit.fields import Fields
from venues.bybit.listed import Listed, all_listed, find
from venues.bybit.symbols import SETTLE_COIN
from venues.bybit.trading.submitting import Ack, ack, refused, sender, submitted
from venues.doors.commands import all_answered

FILTERS = {"Order": "resting", "StopOrder": "conditional", "tpslOrder": "none"}


def cancel_all(trader: Trader, fields: Fields) -> list[Ack]:
    """Cancel open orders; return those that were cancelled; raise BybitError.

    One of symbol, baseCoin and settleCoin says where.
    """
    where = swept(fields)
    kind = fields.choice("orderFilter", FILTERS, "all")
    if kind == "all" and not fields.has("stopOrderType"):
        return sweep(trader, where)
    orders = Order.objects.filter(account=trader.account, instrument__in=[e.key for e in where])
    open_orders = orders.open().select_related("instrument").order_by("-pk")
    if kind == "resting":
        open_orders = open_orders.exclude(state=State.UNTRIGGERED)
    elif kind in ("conditional", "all"):
        open_orders = open_orders.filter(state=State.UNTRIGGERED)
    else:
        open_orders = open_orders.none()
    return cancel_each(trader, list(open_orders))


def swept(fields: Fields) -> list[Listed]:
    """Return the instruments that a request means; raise BybitError."""
    category = fields.category()
    if fields.has("symbol"):
        return [find(fields.text("symbol"))] if category.is_served else []
    if not (fields.has("baseCoin") or fields.has("settleCoin")) and category is not Category.SPOT:
        raise parameter_error("one of symbol, baseCoin and settleCoin is required")
    if not category.is_served or fields.text("settleCoin", SETTLE_COIN) != SETTLE_COIN:
        return []
    base = fields.text("baseCoin")
    return [each for each in all_listed().values() if base in ("", each.symbol.base_coin)]


def sweep(trader: Trader, where: Sequence[Listed]) -> list[Ack]:
    """Cancel everything in these instruments, each in one command."""
    before = Account.objects.values_list("events", flat=True).get(pk=trader.account.pk)
    commands = stored(
        trader, [partial(submission.cancel_all, instrument=each.instrument) for each in where]
    )
    events = OrderEvent.objects.filter(
        account=trader.account.pk, number__gt=before, command__in=[each.pk for each in commands]
    ).exclude(order=0)
    keys = list(events.order_by("-number").values_list("order", flat=True))
    found = Order.objects.in_bulk(keys)
    return [ack(found[key]) for key in keys]


def cancel_each(trader: Trader, orders: Sequence[Order]) -> list[Ack]:
    """Cancel these orders; return those that were still open."""
    commands = stored(trader, [partial(submission.cancel, order=each) for each in orders])
    return [
        ack(order)
        for order, command in zip(orders, commands, strict=True)
        if refused(command) is None
    ]


def stored(trader: Trader, requests: Sequence[Callable[[Sender], Command]]) -> list[Command]:
    """Submit commands in one transaction and wait for their answers."""
    commands: list[Command] = []
    with submission.together():
        for request in requests:
            who = sender(trader, is_first=not commands)
            commands.append(submitted(partial(request, who)))
    return all_answered(commands)
