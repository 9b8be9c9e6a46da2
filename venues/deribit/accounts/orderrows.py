"""Orders as rows of Deribit, over HTTP and in the channels user.orders."""

from collections.abc import Iterable
from typing import Any

from exchange.clearing.orders import State, TriggerBy
from exchange.engine.messages import TimeInForce
from exchange.models import Order
from market.times import to_microseconds
from venues.deribit import numbers, words
from venues.deribit.contracts import Contract
from venues.deribit.listed import by_key

MARKET_PRICE = "market_price"


def order_row(order: Order, contract: Contract) -> dict[str, Any]:
    lattice = contract.lattice
    is_post_only = order.tif == TimeInForce.POST_ONLY
    reduces = order.reduce_only or order.close
    row = {
        "order_id": str(order.pk),
        "instrument_name": contract.name,
        "direction": words.DIRECTIONS[order.side],
        "order_type": type_word(order),
        "order_state": words.order_state(order.state, order.cause),
        "time_in_force": words.TIME_IN_FORCE_WORDS[TimeInForce(order.tif)],
        "price": numbers.price(lattice, order.ticks) if order.ticks else MARKET_PRICE,
        "amount": numbers.amount(lattice, order.lots),
        "contracts": float(order.lots),
        "filled_amount": numbers.amount(lattice, order.filled),
        "average_price": numbers.average_price(lattice, order.value, order.filled),
        "max_show": numbers.amount(lattice, order.lots),
        "label": order.label,
        "post_only": is_post_only,
        "reject_post_only": is_post_only,
        "reduce_only": reduces,
        "risk_reducing": False,
        "replaced": False,
        "is_liquidation": order.pk < 0,
        "mmp": False,
        "api": order.pk > 0,
        "web": False,
        "mobile": False,
        "creation_timestamp": to_microseconds(order.created_at) // 1_000,
        "last_update_timestamp": to_microseconds(order.updated_at) // 1_000,
    }
    if (reason := words.cancel_reason(order.state, order.cause)) is not None:
        row["cancel_reason"] = reason
    return {**row, **trigger_members(order, contract)} if order.trigger_ticks else row


def trigger_members(order: Order, contract: Contract) -> dict[str, Any]:
    price = numbers.price(contract.lattice, order.trigger_ticks)
    return {
        "trigger": words.TRIGGER_WORDS[TriggerBy(order.trigger_by)],
        "trigger_price": price,
        "stop_price": price,
        "triggered": order.state != State.UNTRIGGERED and order.filled > 0,
        "original_order_type": type_word(order),
    }


def type_word(order: Order) -> str:
    return words.order_type(
        order.type, order.side, order.trigger_direction, is_conditional=bool(order.trigger_ticks)
    )


def order_rows(orders: Iterable[Order]) -> list[dict[str, Any]]:
    """Return orders in instruments of this door."""
    listed = by_key()
    return [
        order_row(order, listed[order.instrument_id].contract)
        for order in orders
        if order.instrument_id in listed
    ]
