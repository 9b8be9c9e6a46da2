"""Orders as rows of Bybit: open ones and closed ones over REST, and those of the topic `order`."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db.models import Sum

from exchange.clearing.orders import OrderType, State, TriggerBy, TriggerDirection
from exchange.engine.messages import TimeInForce
from exchange.models import Execution, Order
from instruments.lattice import Lattice
from market.times import to_microseconds
from venues.bybit import words
from venues.bybit.accounts.pricesthen import last_prices
from venues.bybit.categories import Category
from venues.bybit.numbers import (
    average_price,
    money_text,
    optional_price,
    price_text,
    quantity_text,
    value_text,
)
from venues.bybit.symbols import SETTLE_COIN

CONSTANT: Mapping[str, Any] = {
    "parentOrderLinkId": "",
    "blockTradeId": "",
    "isLeverage": "",
    "positionIdx": 0,
    "orderIv": "",
    "marketUnit": "",
    "slippageToleranceType": "UNKNOWN",
    "slippageTolerance": "",
    "takeProfit": "",
    "stopLoss": "",
    "ocoTriggerBy": "",
    "tpLimitPrice": "",
    "slLimitPrice": "",
    "tpTriggerBy": "",
    "slTriggerBy": "",
    "basePrice": "",
    "placeType": "",
    "smpType": "CancelTaker",
    "smpGroup": 0,
    "smpOrderId": "",
    "extraFees": "",
    "rpiTakerAccess": False,
    "rpiMatchedQty": "0",
}
"""Fields that no order of this door has, or all have alike."""
REST_ONLY: Final = ("basePrice", "extraFees")
HISTORY_ONLY: Final = (
    "slippageToleranceType",
    "slippageTolerance",
    "extraFees",
    "rpiTakerAccess",
    "rpiMatchedQty",
)
"""Fields of /v5/order/history that /v5/order/realtime does not have."""


def order_row(order: Order, lattice: Lattice, fees: int, last_ticks: int = 0) -> dict[str, Any]:
    """Return an order as in /v5/order/history; `fees`: of its executions, in MONEY_UNITS.

    `last_ticks`: the last price when it arrived, 0 if that is not recorded.
    """
    closes = order.close or (order.reduce_only and order.pk < 0)
    is_conditional = bool(order.trigger_ticks)
    cause = words.NO_CAUSE if order.cause is None else order.cause
    left = 0 if State(order.state).is_final else order.lots - order.filled
    stop = words.stop_order_type(
        order.side, order.trigger_direction, is_conditional=is_conditional, closes=order.close
    )
    return {
        **CONSTANT,
        "orderId": str(order.pk),
        "orderLinkId": order.client_id,
        "symbol": order.instrument.symbol,
        "price": price_text(lattice, order.ticks) if order.ticks else "0",
        "lastPriceOnCreated": optional_price(lattice, last_ticks),
        "qty": quantity_text(lattice, order.lots),
        "side": words.SIDE_WORDS[order.side],
        "orderStatus": words.status(
            order.state, cause, was_conditional=is_conditional, filled=order.filled
        ),
        "createType": create_type(order, stop, closes=closes),
        "cancelType": words.cancel_type(order.state, cause),
        "rejectReason": words.reject_reason(order.state, cause),
        "avgPrice": average_price(lattice, order.value, order.filled),
        "leavesQty": quantity_text(lattice, left),
        "leavesValue": value_text(lattice, left * order.ticks),
        "cumExecQty": quantity_text(lattice, order.filled),
        "cumExecValue": value_text(lattice, order.value),
        "cumExecFee": money_text(fees),
        "cumFeeDetail": {SETTLE_COIN: money_text(fees)} if fees else {},
        "timeInForce": words.TIME_IN_FORCE_WORDS[TimeInForce(order.tif)],
        "orderType": words.TYPE_WORDS[OrderType(order.type)],
        "stopOrderType": stop,
        "tpslMode": "Full" if is_conditional and order.close else "",
        "triggerPrice": optional_price(lattice, order.trigger_ticks),
        "triggerDirection": words.DIRECTION_NUMBERS[TriggerDirection(order.trigger_direction)]
        if is_conditional
        else 0,
        "triggerBy": words.TRIGGER_WORDS[TriggerBy(order.trigger_by)] if is_conditional else "",
        "reduceOnly": order.reduce_only or order.close,
        "closeOnTrigger": order.close,
        "createdTime": str(to_microseconds(order.created_at) // 1_000),
        "updatedTime": str(to_microseconds(order.updated_at) // 1_000),
    }


def create_type(order: Order, stop: str, *, closes: bool) -> str:
    """Return `createType`: who placed the order, and why."""
    if order.pk < 0:
        return "CreateByLiq"
    if stop in ("TakeProfit", "StopLoss"):
        return f"CreateBy{stop}"
    return "CreateByClosing" if closes else "CreateByUser"


def fees_of(orders: Iterable[Order]) -> dict[int, int]:
    """Return the fees that orders have paid, in MONEY_UNITS."""
    filled = [order.pk for order in orders if order.filled]
    if not filled:
        return {}
    sums = Execution.objects.filter(order__in=filled).values("order").annotate(paid=Sum("fee"))
    return dict(sums.values_list("order", "paid"))


def order_rows(orders: list[Order], lattices: Mapping[int, Lattice]) -> list[dict[str, Any]]:
    """Return orders as rows of /v5/order/history."""
    fees, last = fees_of(orders), last_prices(orders)
    return [
        order_row(
            order, lattices[order.instrument_id], fees.get(order.pk, 0), last.get(order.pk, 0)
        )
        for order in orders
    ]


def current(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of /v5/order/realtime."""
    return {name: value for name, value in row.items() if name not in HISTORY_ONLY}


def streamed(row: Mapping[str, Any], closed_pnl: int) -> dict[str, Any]:
    """Return a row of the topic `order`; `closed_pnl` is what it earned by closing so far."""
    return {
        **{name: value for name, value in row.items() if name not in REST_ONLY},
        "category": Category.LINEAR.value,
        "brokerOrderPrice": "",
        "closedPnl": money_text(closed_pnl),
        "feeCurrency": SETTLE_COIN,
    }
