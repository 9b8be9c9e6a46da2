"""Closed profit and loss: a row for each order that closed a part of a position."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.accounts.loading import tick_value
from exchange.clearing.accounts import DEFAULT_LEVERAGE
from exchange.clearing.orders import OrderType
from exchange.models import Account, Execution, Leverage, Order
from market.times import to_microseconds
from venues.bybit import words
from venues.bybit.accounts.closedlots import closed_lots
from venues.bybit.accounts.executionrows import exec_type
from venues.bybit.listed import Listed
from venues.bybit.numbers import average_price, money_text, price_text, quantity_text


@dataclass
class Closed:
    """What the executions of one order closed; exit in ticks * lots, money in MONEY_UNITS."""

    lots: int = 0
    exit: int = 0
    realised: int = 0
    fee: int = 0
    profit: int = 0
    fills: int = 0

    def add(self, row: Execution, lots: int) -> None:
        self.lots += lots
        self.exit += lots * row.ticks
        self.realised += row.realised
        self.fee += closing_fee(row, lots)
        self.profit += profit_of(row, lots)
        self.fills += 1


def closing_fee(row: Execution, lots: int) -> int:
    """Return the part of an execution's fee that falls on the lots that it closed."""
    return row.fee * lots // row.lots


def profit_of(row: Execution, lots: int) -> int:
    """Return what an execution earned by closing `lots`, after the fee."""
    return row.realised - closing_fee(row, lots)


def closed_profits(
    account: Account, orders: Sequence[Order], listed: Mapping[int, Listed]
) -> list[dict[str, Any]]:
    """Return the rows of those of these orders that closed something."""
    rows = Execution.objects.filter(order__in=[order.pk for order in orders])
    found = list(rows.order_by("number"))
    lots = closed_lots(account.pk, found)
    sums: dict[int, Closed] = {}
    for row in found:
        if lots[row.number]:
            sums.setdefault(row.order, Closed()).add(row, lots[row.number])
    chosen = Leverage.objects.filter(account=account)
    leverages = dict(chosen.values_list("instrument", "leverage"))
    return [
        closed_row(
            order,
            sums[order.pk],
            listed[order.instrument_id],
            leverages.get(order.instrument_id, DEFAULT_LEVERAGE),
        )
        for order in orders
        if order.pk in sums
    ]


def closed_row(order: Order, closed: Closed, listed: Listed, leverage: int) -> dict[str, Any]:
    lattice, worth = listed.lattice, tick_value(listed.instrument)
    exit_value = closed.exit * worth
    entry_value = exit_value + order.side * closed.realised
    entry = entry_value // worth
    return {
        "symbol": listed.name,
        "orderId": str(order.pk),
        "side": words.SIDE_WORDS[order.side],
        "qty": quantity_text(lattice, order.lots),
        "orderPrice": price_text(lattice, order.ticks) if order.ticks else "0",
        "orderType": words.TYPE_WORDS[OrderType(order.type)],
        "execType": exec_type(order.pk),
        "closedSize": quantity_text(lattice, closed.lots),
        "cumEntryValue": money_text(entry_value),
        "avgEntryPrice": average_price(lattice, entry, closed.lots),
        "cumExitValue": money_text(exit_value),
        "avgExitPrice": average_price(lattice, closed.exit, closed.lots),
        "closedPnl": money_text(closed.profit),
        "fillCount": str(closed.fills),
        "leverage": str(leverage),
        "openFee": "0",
        "closeFee": money_text(closed.fee),
        "createdTime": str(to_microseconds(order.created_at) // 1_000),
        "updatedTime": str(to_microseconds(order.updated_at) // 1_000),
    }
