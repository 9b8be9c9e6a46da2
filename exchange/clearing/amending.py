"""Amendments of open orders."""

from exchange.clearing import checks
from exchange.clearing.commands import Command
from exchange.clearing.entry import afford, band, conclude, reducible
from exchange.clearing.floor import Floor
from exchange.clearing.orders import Cause, Order, State
from exchange.engine.messages import Kind, TimeInForce


def amend(floor: Floor, order: Order, command: Command) -> None:
    """Change price, total lots or trigger price of an open order, or refuse all of it."""
    change = _waiting if order.state is State.UNTRIGGERED else _resting
    if (refused := change(floor, order, command)) is not None:
        floor.event(order, refused, command.id)


def _waiting(floor: Floor, order: Order, command: Command) -> Cause | None:
    changed = Order(
        **{name: getattr(order, name) for name in Order.__slots__}
        | {
            name: value
            for name in ("ticks", "lots", "trigger_ticks")
            if (value := getattr(command, name)) is not None
        }
    )
    if changed == order:
        return Cause.NOTHING_TO_AMEND
    if not changed.trigger_ticks:
        return Cause.INVALID_TRIGGER
    book = floor.books[order.instrument]
    refused = checks.form(changed) or checks.trigger(changed, book.watched_price(order))
    if refused is None:
        floor.drop(order)
        order.ticks, order.lots = changed.ticks, changed.lots
        order.trigger_ticks = changed.trigger_ticks
        floor.keep(order)
        floor.event(order, Cause.AMENDED, command.id)
    return refused


def _resting(floor: Floor, order: Order, command: Command) -> Cause | None:
    if command.trigger_ticks is not None:
        return Cause.INVALID_TRIGGER
    ticks = order.ticks if command.ticks is None else command.ticks
    lots = order.lots if command.lots is None else command.lots
    if not 1 <= ticks <= checks.LARGEST_TICKS:
        return Cause.INVALID_TICKS
    if not 1 <= lots <= checks.LARGEST_LOTS:
        return Cause.INVALID_LOTS
    if lots <= order.filled:
        return Cause.LOTS_BELOW_FILLED
    if order.reduces:
        holding = floor.accounts[order.account].holding(order.instrument)
        lots = min(lots, order.filled + reducible(holding, order))
    if (ticks, lots) == (order.ticks, order.lots):
        return Cause.NOTHING_TO_AMEND
    if ticks == order.ticks and lots < order.lots:
        floor.shrink(order, order.lots - lots, Cause.AMENDED, command.id)
        return None
    return _replace(floor, order, ticks, lots, command.id)


def _replace(floor: Floor, order: Order, ticks: int, lots: int, command: int) -> Cause | None:
    book = floor.books[order.instrument]
    if order.side * (ticks - band(order.side, book.mark)) > 0:
        return Cause.PRICE_BAND
    best = book.open_port.best(-order.side)
    takes = best is not None and order.side * (ticks - best) >= 0
    if takes and order.tif is TimeInForce.POST_ONLY:
        return Cause.WOULD_TAKE
    leaves = lots - order.filled
    if not order.reduces and (refused := afford(floor, order, ticks, leaves, replaced=True)):
        return refused
    order.ticks, order.lots = ticks, lots
    reply = floor.send(Kind.REPLACE, order, ticks=ticks, lots=leaves)
    conclude(floor, order, reply, Cause.AMENDED, command)
    return None
