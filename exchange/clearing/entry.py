"""How an order enters the book: its size, its margin, its result."""

from typing import Final

from exchange.clearing.accounts import Holding
from exchange.clearing.floor import Floor, Reply
from exchange.clearing.margin import RISK_LIMIT, exposure, requirement
from exchange.clearing.money import ceil_div, fee
from exchange.clearing.orders import Cause, Order, OrderType, State
from exchange.clearing.ports import BookPort
from exchange.clearing.valuation import opening
from exchange.engine.messages import Kind, Reason, TimeInForce

BAND_PPM: Final = 50_000
NARROWEST_BAND: Final = 10
REFUSALS: Final = {
    Reason.WOULD_TAKE: Cause.WOULD_TAKE,
    Reason.NOT_FILLABLE: Cause.NOT_FILLABLE,
    Reason.BOOK_FULL: Cause.BOOK_FULL,
}
"""Of an order in good form."""


def band(side: int, mark: int) -> int:
    """Return the worst price at which an order may trade: 5 % beyond the mark."""
    return max(1, mark + side * max(NARROWEST_BAND, ceil_div(mark * BAND_PPM, 10**6)))


def enter(floor: Floor, order: Order, *, command: int = 0, cause: Cause = Cause.ACCEPTED) -> None:
    """Send a pending or triggered order to its book, or reject it."""
    book = floor.books[order.instrument]
    worst = band(order.side, book.mark)
    ticks = worst if order.type is OrderType.MARKET else order.ticks
    tif = order.tif
    if order.type is OrderType.MARKET and tif is not TimeInForce.FOK:
        tif = TimeInForce.IOC
    rejection = Cause.PRICE_BAND if order.side * (ticks - worst) > 0 else None
    if rejection is None and order.reduces:
        rejection = fit(floor.accounts[order.account].holding(order.instrument), order)
    elif rejection is None:
        rejection = afford(floor, order, ticks, order.lots)
    if rejection is not None:
        order.move(State.REJECTED)
        floor.event(order, rejection, command)
        return
    reply = floor.send(Kind.NEW, order, ticks=ticks, lots=order.lots, tif=tif)
    conclude(floor, order, reply, cause, command)


def conclude(floor: Floor, order: Order, reply: Reply, cause: Cause, command: int) -> None:
    """Record what became of an order that entered the book."""
    if reply.rejected is not None:
        state = State.REJECTED
        cause = refusal(order, reply.rejected)
    elif not order.leaves:
        state = State.FILLED
    elif reply.cancelled is not None:
        state = State.CANCELLED
        if cause is not Cause.LIQUIDATION:
            cause = Cause.SELF_TRADE if reply.cancelled == Reason.SELF_TRADE else Cause.NO_LIQUIDITY
    else:
        state = State.PARTIALLY_FILLED if order.filled else State.NEW
    order.move(state)
    (floor.keep if state.is_resting else floor.drop)(order)
    floor.event(order, cause, command)


def refusal(order: Order, reason: int) -> Cause:
    """Return why the engine refused an order; raise ValueError if that cannot be right."""
    if reason not in REFUSALS:
        raise ValueError(f"the engine refused order {order.id}: {Reason(reason).text}")
    return REFUSALS[Reason(reason)]


def fit(holding: Holding, order: Order) -> Cause | None:
    """Make a reducing order no larger than the position, or return why it cannot be."""
    room = reducible(holding, order)
    if room <= 0:
        held = -order.side * holding.position.lots
        return Cause.COVERED if held > 0 else Cause.NOT_REDUCING
    order.lots = room if order.close else min(order.lots, room)
    return None


def reducible(holding: Holding, order: Order) -> int:
    """Return how many lots of the position a reducing order may close.

    Resting orders must not exceed the position together; one that fills at once takes precedence.
    """
    held = -order.side * holding.position.lots
    if order.rests:
        held -= sum(other.leaves for other in holding.reducing_orders() if other is not order)
    return held


def afford(
    floor: Floor, order: Order, ticks: int, lots: int, *, replaced: bool = False
) -> Cause | None:
    """Return why the account cannot afford an order, if so.

    Closing orders cost nothing. Others must leave equity, after the price and fees of what fills at
    once, no less than the initial margin of everything that can come of all orders.
    """
    book, account = floor.books[order.instrument], floor.accounts[order.account]
    holding, tick_value = account.holding(order.instrument), book.contract.tick_value
    orders = opening(holding, book.mark, without=order if replaced else None)
    if orders.lots[order.side] + lots <= -order.side * holding.position.lots:
        return None
    taken, value, makers = 0, 0, 0
    if order.tif is not TimeInForce.POST_ONLY:
        taken, value, makers = takes(book.open_port, order.side, ticks, lots)
    if order.rests and taken < lots:
        orders.add(order.side, ticks, lots - taken)
    after = exposure(holding.position.lots + order.side * taken, orders)
    if after.value * tick_value > RISK_LIMIT:
        return Cause.RISK_LIMIT
    paid = order.side * (value - taken * book.mark) * tick_value
    paid += fee(value * tick_value, account.fees.taker_ppm) + makers
    needed = requirement(after, tick_value, holding.leverage, account.fees.maker_ppm)
    needed += floor.required(account, other_than=order.instrument)
    return Cause.INSUFFICIENT_MARGIN if floor.equity(account) - paid < needed else None


def takes(port: BookPort, side: int, limit: int, lots: int) -> tuple[int, int, int]:
    """Return lots, value (ticks * lots) and makers of what an order would take at once."""
    best = port.best(-side)
    if best is None or side * (best - limit) > 0:
        return 0, 0, 0
    asked = 4
    while True:
        taken, value, makers = 0, 0, 0
        levels = port.levels(-side, asked).tolist()
        for ticks, size, orders in levels:
            if taken == lots or side * (ticks - limit) > 0:
                return taken, value, makers
            part = min(size, lots - taken)
            taken, value, makers = taken + part, value + part * ticks, makers + orders
        if taken == lots or len(levels) < asked:
            return taken, value, makers
        asked *= 4
