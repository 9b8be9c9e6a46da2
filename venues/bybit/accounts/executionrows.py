"""Executions as rows of Bybit, for REST and for the topic `execution`."""

from collections.abc import Mapping
from typing import Any, Final

from exchange.clearing.fees import Fees
from exchange.clearing.orders import OrderType
from exchange.models import Execution, Order
from instruments.lattice import Lattice
from market.times import to_microseconds
from venues.bybit import words
from venues.bybit.accounts.orderrows import create_type
from venues.bybit.categories import Category
from venues.bybit.numbers import (
    money_text,
    optional_price,
    ppm_text,
    price_text,
    quantity_text,
    value_text,
)
from venues.bybit.sequences import cross_sequence, trade_id
from venues.bybit.symbols import SETTLE_COIN

CONSTANT: Mapping[str, Any] = {
    "category": Category.LINEAR.value,
    "isLeverage": "0",
    "execFeeV2": "",
    "feeCurrency": SETTLE_COIN,
    "tradeIv": "",
    "markIv": "",
    "indexPrice": "",
    "underlyingPrice": "",
    "blockTradeId": "",
    "extraFees": "",
    "marketUnit": "",
}
"""Fields that all executions have alike."""
REST_ONLY: Final = ("execFeeV2", "marketUnit")
STREAM_ONLY: Final = ("category", "isLeverage", "execPnl")


def execution_row(
    row: Execution,
    order: Order,
    lattice: Lattice,
    fees: Fees,
    *,
    left: int,
    closed: int,
    mark: int,
) -> dict[str, Any]:
    """Return an execution of an order with the fields of REST and those of the topic.

    `left`: lots of the order that were open after it, `closed`: lots of the position it closed,
    `mark`: the mark price at that moment in ticks, 0 if it is not recorded.
    """
    stop = words.stop_order_type(
        order.side,
        order.trigger_direction,
        is_conditional=bool(order.trigger_ticks),
        closes=order.close,
    )
    at = to_microseconds(row.at)
    return {
        **CONSTANT,
        "symbol": order.instrument.symbol,
        "orderId": str(row.order),
        "orderLinkId": order.client_id,
        "side": words.SIDE_WORDS[row.side],
        "orderPrice": price_text(lattice, order.ticks) if order.ticks else "0",
        "orderQty": quantity_text(lattice, order.lots),
        "leavesQty": quantity_text(lattice, left),
        "createType": create_type(order, stop, closes=order.close),
        "orderType": words.TYPE_WORDS[OrderType(order.type)],
        "stopOrderType": stop or "UNKNOWN",
        "execFee": money_text(row.fee),
        "execId": trade_id(row.instrument_id, row.trade_seq),
        "execPrice": price_text(lattice, row.ticks),
        "execQty": quantity_text(lattice, row.lots),
        "execPnl": money_text(row.realised),
        "execType": exec_type(row.order),
        "execValue": value_text(lattice, row.ticks * row.lots),
        "execTime": str(at // 1_000),
        "markPrice": optional_price(lattice, mark),
        "isMaker": bool(row.is_maker),
        "feeRate": ppm_text(fees.maker_ppm if row.is_maker else fees.taker_ppm),
        "closedSize": quantity_text(lattice, closed),
        "seq": cross_sequence(at),
    }


def over_rest(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of /v5/execution/list."""
    return {name: value for name, value in row.items() if name not in STREAM_ONLY}


def streamed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the topic `execution`."""
    return {name: value for name, value in row.items() if name not in REST_ONLY}


def exec_type(order: int) -> str:
    """Return `execType`: orders of the exchange, with negative ids, liquidate positions."""
    return "Trade" if order > 0 else "BustTrade"
