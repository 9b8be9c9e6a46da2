"""Executions of an account as user trades of Deribit, over HTTP and in user.trades."""

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.engine.messages import TimeInForce
from exchange.models import Execution, Order, Trade
from market.keys import row_key
from market.times import to_microseconds
from venues.deribit import numbers, words
from venues.deribit.accounts.orderrows import type_word
from venues.deribit.listed import Listed, by_key
from venues.deribit.market.trades import marks_in
from venues.deribit.traderows import TickDirection, trade_id


def fill_rows(found: Sequence[Execution]) -> list[dict[str, Any]]:
    """Return executions in instruments of this door, in the order in which they are given."""
    listed = by_key()
    rows = [row for row in found if row.instrument_id in listed]
    orders = Order.objects.in_bulk({row.order for row in rows})
    trades = trades_around(rows)
    marks = {
        key: marks_in(listed[key], {trades[pk].slot for pk in pks if pk in trades})
        for key, pks in keys_of(rows).items()
    }
    return [
        fill_row(
            row, orders[row.order], listed[row.instrument_id], trades, marks[row.instrument_id]
        )
        for row in rows
    ]


def keys_of(rows: Sequence[Execution]) -> dict[int, list[int]]:
    """Return the keys of the trades of executions by instrument."""
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row.instrument_id, []).append(row_key(row.instrument_id, row.trade_seq))
    return found


def trades_around(rows: Sequence[Execution]) -> dict[int, Trade]:
    """Return the trades of executions, and those before them, by key."""
    wanted = {key for keys in keys_of(rows).values() for each in keys for key in (each - 1, each)}
    return Trade.objects.in_bulk(wanted)


def fill_row(
    row: Execution,
    order: Order,
    listed: Listed,
    trades: Mapping[int, Trade],
    marks: Mapping[int, int],
) -> dict[str, Any]:
    """Return an execution; `marks` are the mark prices within slots, in ticks."""
    contract, lattice = listed.contract, listed.lattice
    key = row_key(row.instrument_id, row.trade_seq)
    own, before = trades.get(key), trades.get(key - 1)
    slot = own.slot if own is not None else 0
    mark = numbers.price(lattice, marks.get(slot, 0) or row.ticks)
    direction = TickDirection(before.ticks if before is not None else 0)
    members = {
        "trade_seq": row.trade_seq,
        "trade_id": trade_id(contract, row.trade_seq),
        "timestamp": to_microseconds(row.at) // 1_000,
        "tick_direction": direction.of(row.ticks),
        "instrument_name": contract.name,
        "direction": words.DIRECTIONS[row.side],
        "price": numbers.price(lattice, row.ticks),
        "amount": numbers.amount(lattice, row.lots),
        "contracts": float(row.lots),
        "mark_price": mark,
        "index_price": mark,
        "fee": numbers.money(row.fee),
        "fee_currency": contract.quote,
        "profit_loss": numbers.money(row.realised),
        "liquidity": "M" if row.is_maker else "T",
        "order_id": str(row.order),
        "order_type": type_word(order),
        "state": words.order_state(order.state, order.cause),
        "label": order.label,
        "post_only": order.tif == TimeInForce.POST_ONLY,
        "reduce_only": order.reduce_only or order.close,
        "self_trade": False,
        "risk_reducing": False,
        "mmp": False,
        "api": row.order > 0,
        "matching_id": None,
    }
    return {**members, "liquidation": "T"} if row.order < 0 else members
