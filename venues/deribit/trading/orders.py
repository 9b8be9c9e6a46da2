"""Place, edit and cancel orders. Answers show the order as it is when the desk has answered."""

from functools import partial
from typing import Any

from exchange.accounts import submission
from exchange.accounts.traders import Trader
from exchange.clearing.orders import OrderType, State
from exchange.engine.messages import BUY, SELL
from exchange.models import Execution, Order
from exchange.models.orders import OrderQuerySet
from market.integers import parse_integer
from venues.deribit.accounts.fills import fill_rows
from venues.deribit.accounts.orderrows import order_row
from venues.deribit.errors import Code, RpcError, invalid
from venues.deribit.listed import Listed, by_key, find
from venues.deribit.params import Params
from venues.deribit.trading.orderfields import changes, counted_price, new_order
from venues.deribit.trading.submitting import Signed, executed
from venues.doors.clock import now_ms

LARGEST_ID = 2**62


def buy(trader: Trader, params: Params) -> dict[str, Any]:
    return placed(trader, params, BUY)


def sell(trader: Trader, params: Params) -> dict[str, Any]:
    return placed(trader, params, SELL)


def placed(trader: Trader, params: Params, side: int) -> dict[str, Any]:
    """Place an order; return it with its trades so far; raise RpcError."""
    check_valid_until(params)
    new = new_order(params, side)
    done = executed(partial(submission.place, Signed(trader).sender(), new), side)
    return with_trades(done.order_id)


def edit(trader: Trader, params: Params) -> dict[str, Any]:
    """Change amount, price or trigger price of an open order; raise RpcError."""
    order, listed = open_order(trader, params)
    return edited(trader, params, order, listed)


def edit_by_label(trader: Trader, params: Params) -> dict[str, Any]:
    """Change the only open order with a label; raise RpcError."""
    listed, label = find(params.required("instrument_name")), params.required("label")
    found = list(of_trader(trader).open().filter(instrument=listed.key, label=label)[:2])
    if len(found) != 1:
        few = "no open order has" if not found else "several open orders have"
        raise RpcError(Code.NO_ORDER, f"{few} this label", "label")
    return edited(trader, params, found[0], listed)


def edited(trader: Trader, params: Params, order: Order, listed: Listed) -> dict[str, Any]:
    check_valid_until(params)
    asked = changes(params, listed)
    before = Execution.objects.filter(order=order.pk).count()
    sender = Signed(trader).sender()
    executed(partial(submission.amend, sender, order, asked), order.side)
    return with_trades(order.pk, before)


def check_valid_until(params: Params) -> None:
    """Raise RpcError if a request came after the moment until which its sender wants it."""
    until, now = params.moment("valid_until"), now_ms() * 1_000
    if until is not None and now >= until:
        reason = f"valid_until {until // 1_000} has passed: it is {now // 1_000} here"
        raise RpcError(Code.TIMED_OUT, reason, "valid_until")


def cancel(trader: Trader, params: Params) -> dict[str, Any]:
    """Cancel an open order and return it; raise RpcError."""
    order, listed = open_order(trader, params)
    executed(partial(submission.cancel, Signed(trader).sender(), order))
    order.refresh_from_db()
    return order_row(order, listed.contract)


def close_position(trader: Trader, params: Params) -> dict[str, Any]:
    """Close a position with a market or limit order; raise RpcError."""
    listed = find(params.required("instrument_name"))
    if params.required("type") == "market":
        sender = Signed(trader).sender()
        done = executed(partial(submission.close_position, sender, listed.instrument))
        return with_trades(done.order_id)
    if params.text("type") != "limit":
        raise invalid("type", "must be market or limit")
    held = trader.account.positions.filter(instrument=listed.key).first()
    if held is None or not held.lots:
        raise RpcError(Code.ALREADY_CLOSED, f"there is no position in {listed.name} to close")
    if not (ticks := counted_price(params, "price", listed)):
        raise invalid("price", "is missing: limit orders need one")
    side = SELL if held.lots > 0 else BUY
    new = submission.NewOrder(
        instrument=listed.instrument,
        side=side,
        type=OrderType.LIMIT,
        lots=abs(held.lots),
        ticks=ticks,
        reduce_only=True,
    )
    done = executed(partial(submission.place, Signed(trader).sender(), new), side)
    return with_trades(done.order_id)


def with_trades(order_id: int | None, skipped: int = 0) -> dict[str, Any]:
    """Return an order and its trades but the first `skipped` ones; raise RpcError."""
    if order_id is None:
        raise RpcError(Code.NO_ORDER)
    order = Order.objects.get(pk=order_id)
    rows = Execution.objects.filter(order=order.pk).order_by("number")
    contract = by_key()[order.instrument_id].contract
    return {"order": order_row(order, contract), "trades": fill_rows(list(rows)[skipped:])}


def open_order(trader: Trader, params: Params) -> tuple[Order, Listed]:
    """Return the open order that a request names, with its instrument; raise RpcError."""
    order = named(trader, params)
    if State(order.state).is_final:
        is_filled = order.state == State.FILLED
        raise RpcError(Code.ALREADY_FILLED if is_filled else Code.NOT_OPEN, "", "order_id")
    listed = by_key()[order.instrument_id]
    order.instrument = listed.instrument
    return order, listed


def named(trader: Trader, params: Params) -> Order:
    """Return the order that order_id names; raise RpcError."""
    text = params.required("order_id")
    try:
        key = parse_integer(text, -LARGEST_ID, LARGEST_ID)
    except ValueError:
        raise RpcError(Code.NO_ORDER, "ids of orders are whole numbers here", "order_id") from None
    found = of_trader(trader).filter(pk=key).first()
    if found is None:
        raise RpcError(Code.NO_ORDER, "", "order_id")
    return found


def of_trader(trader: Trader) -> OrderQuerySet:
    """Return the orders of an account in instruments of this door."""
    return Order.objects.filter(account=trader.account, instrument__in=list(by_key()))
