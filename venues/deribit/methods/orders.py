"""Private methods of orders and user trades."""

from typing import Any, Final

from django.db.models import Q

from exchange.clearing.orders import State
from exchange.engine.messages import BUY, SELL
from exchange.models import Execution
from exchange.models.orders import OrderQuerySet
from market.times import EARLIEST, LATEST, from_microseconds
from venues.deribit import words
from venues.deribit.accounts.fills import fill_rows
from venues.deribit.accounts.orderrows import order_row, order_rows
from venues.deribit.listed import Listed, all_listed, by_key
from venues.deribit.methods.calls import Call
from venues.deribit.methods.market import (
    chosen,
    count_of,
    number,
    one,
    sorting,
    span_of,
)
from venues.deribit.params import Params
from venues.deribit.trading import orders, sweeping

FINAL: Final = [state.value for state in State if state.is_final]
MOST_OPEN: Final = 1_000
ALL, NOT_WAITING, WAITING = "all", "limit", "trigger_all"
TYPES: Final = (
    ALL, NOT_WAITING, WAITING, "stop_all", "stop_limit", "stop_market", "take_all", "take_limit",
    "take_market", "trailing_all", "trailing_stop",
)  # fmt: skip
"""Values of `type`. There are no trailing stops here."""


def buy(call: Call) -> dict[str, Any]:
    return orders.buy(call.trader, call.params)


def sell(call: Call) -> dict[str, Any]:
    return orders.sell(call.trader, call.params)


def edit(call: Call) -> dict[str, Any]:
    return orders.edit(call.trader, call.params)


def edit_by_label(call: Call) -> dict[str, Any]:
    return orders.edit_by_label(call.trader, call.params)


def cancel(call: Call) -> dict[str, Any]:
    return orders.cancel(call.trader, call.params)


def close_position(call: Call) -> dict[str, Any]:
    return orders.close_position(call.trader, call.params)


def cancel_all(call: Call) -> int:
    return sweeping.sweep(call.trader, all_listed().values())


def cancel_all_by_instrument(call: Call) -> int:
    return cancelled(call, [one(call)])


def cancel_all_by_currency(call: Call) -> int:
    call.params.required("currency")
    return cancelled(call, chosen(call.params))


def cancel_all_by_kind_or_type(call: Call) -> int:
    call.params.required("currency")
    return cancelled(call, chosen(call.params))


def cancelled(call: Call, where: list[Listed]) -> int:
    """Cancel the orders of a type in some instruments; return how many."""
    if type_of(call.params) == ALL:
        return sweeping.sweep(call.trader, where)
    return sweeping.cancel_each(call.trader, list(open_orders(call, where)))


def cancel_by_label(call: Call) -> int:
    label = call.params.required("label", longest=64)
    found = open_orders(call, chosen(call.params)).filter(label=label)
    return sweeping.cancel_each(call.trader, list(found))


def get_open_orders(call: Call) -> list[dict[str, Any]]:
    return order_rows(open_orders(call, list(all_listed().values())))


def get_open_orders_by_instrument(call: Call) -> list[dict[str, Any]]:
    return order_rows(open_orders(call, [one(call)]))


def get_open_orders_by_currency(call: Call) -> list[dict[str, Any]]:
    call.params.required("currency")
    return order_rows(open_orders(call, chosen(call.params)))


def get_open_orders_by_label(call: Call) -> list[dict[str, Any]]:
    call.params.required("currency")
    found = open_orders(call, chosen(call.params))
    label = call.params.text("label", longest=64)
    return order_rows(found.filter(label=label) if label else found)


def open_orders(call: Call, where: list[Listed]) -> OrderQuerySet:
    """Return the open orders in some instruments, the newest first."""
    found = mine(call).open().filter(instrument__in=[each.key for each in where])
    found = of_type(found, type_of(call.params))
    return found.select_related("instrument").order_by("-pk")


def type_of(params: Params) -> str:
    return params.choice("type", {each: each for each in TYPES}, ALL)


def of_type(found: OrderQuerySet, name: str) -> OrderQuerySet:
    """Return the open orders that a value of `type` selects."""
    if name == ALL:
        return found
    if name == NOT_WAITING:
        return found.exclude(state=State.UNTRIGGERED)
    wanted = Q(pk__in=())
    for word, (kind, gains) in words.TYPES.items():
        if gains and name in (word, f"{word.partition('_')[0]}_all", WAITING):
            for side in (BUY, SELL):
                direction = words.trigger_direction(side, gains)
                wanted |= Q(type=kind, side=side, trigger_direction=direction)
    return found.filter(wanted, state=State.UNTRIGGERED)


def get_order_history_by_instrument(call: Call) -> list[dict[str, Any]]:
    return history(call, [one(call)])


def get_order_history_by_currency(call: Call) -> list[dict[str, Any]]:
    call.params.required("currency")
    return history(call, chosen(call.params))


def history(call: Call, where: list[Listed]) -> list[dict[str, Any]]:
    """Return closed orders, the newest first; without a fill only if they are wanted."""
    params = call.params
    found = mine(call).filter(instrument__in=[each.key for each in where], state__in=FINAL)
    if not params.flag("include_unfilled"):
        found = found.filter(filled__gt=0)
    offset = params.whole("offset", 0, 10**6, 0)
    count = params.whole("count", 1, 1_000, 20)
    return order_rows(found.order_by("-pk")[offset : offset + count])


def get_order_state(call: Call) -> dict[str, Any]:
    order = orders.named(call.trader, call.params)
    return order_row(order, by_key()[order.instrument_id].contract)


def get_order_state_by_label(call: Call) -> list[dict[str, Any]]:
    call.params.required("currency")
    label = call.params.required("label", longest=64)
    keys = [each.key for each in chosen(call.params)]
    found = mine(call).filter(instrument__in=keys, label=label)
    return order_rows(found.order_by("-pk")[:MOST_OPEN])


def get_user_trades_by_instrument(call: Call) -> dict[str, Any]:
    return fills(call, [one(call)])


def get_user_trades_by_instrument_and_time(call: Call) -> dict[str, Any]:
    for name in ("start_timestamp", "end_timestamp"):
        call.params.required(name)
    return fills(call, [one(call)])


def get_user_trades_by_currency(call: Call) -> dict[str, Any]:
    call.params.required("currency")
    return fills(call, chosen(call.params))


def get_user_trades_by_currency_and_time(call: Call) -> dict[str, Any]:
    for name in ("start_timestamp", "end_timestamp"):
        call.params.required(name)
    return get_user_trades_by_currency(call)


def get_user_trades_by_order(call: Call) -> list[dict[str, Any]]:
    order = orders.named(call.trader, call.params)
    found = list(Execution.objects.filter(order=order.pk).order_by("number"))
    return fill_rows(found if sorting(call.params) == "asc" else found[::-1])


def fills(call: Call, where: list[Listed]) -> dict[str, Any]:
    """Return user trades, the newest first unless they are wanted ascending."""
    params = call.params
    found = Execution.objects.filter(
        account=call.trader.account.pk, instrument__in=[each.key for each in where]
    )
    span = span_of(params)
    if span.start is not None:
        found = found.filter(at__gte=moment(span.start))
    if span.end is not None:
        found = found.filter(at__lt=moment(span.end))
    for name, lookup in (("start_seq", "trade_seq__gte"), ("end_seq", "trade_seq__lte")):
        if (seq := number(params, name)) is not None:
            found = found.filter(**{lookup: seq})
    count = count_of(params)
    order = "number" if sorting(params) == "asc" else "-number"
    rows = list(found.order_by(order)[: count + 1])
    return {"trades": fill_rows(rows[:count]), "has_more": len(rows) > count}


def moment(at: int) -> Any:
    return from_microseconds(max(EARLIEST, min(at, LATEST)))


def mine(call: Call) -> OrderQuerySet:
    return orders.of_trader(call.trader)
