"""Executing messages on an order book: the kernel of the matching engine. Pure.

The rules are described in exchange/matching.py.
"""

from typing import Any

from exchange.engine.idtable import ID, NONE, find
from exchange.engine.kernel import inlined, kernel
from exchange.engine.messages import (
    BUY,
    SELL,
    Kind,
    Outcome,
    Reason,
    SelfTradePrevention,
    TimeInForce,
)
from exchange.engine.orderbook import (
    LARGEST_LOTS,
    LARGEST_TICKS,
    NEXT,
    OWNER,
    RESTING,
    SIDE,
    SIZE,
    TICKS,
    Book,
    ReportLog,
    best,
    fill,
    first_order,
    has_room,
    is_marketable,
    next_price,
    report,
    rest,
    shrink,
    unlink,
)
from exchange.engine.pricelevels import HEAD, LOTS, level_row
from market.kinds import Rows


@kernel
def execute(
    book: Book, log: ReportLog, messages: Rows, first: int, capacity: int, prevention: int
) -> int:
    """Execute messages from `first` on; return the index of the first that was not executed.

    That is the number of messages, or fewer if the book has to grow. The log must have two free
    rows for each message and one for each resting order: a message causes at most two reports and
    one more for each order that it removes; an order that comes to rest causes only one.
    """
    for i in range(first, messages.size):
        if not has_room(book, 1):
            return i
        message: Any = messages[i]
        row = find(book.ids, book.orders, message.order_id)
        reason = refusal(book, message, row, capacity, prevention)
        if reason != Reason.NONE:
            reject(log, i, message, reason)
        elif message.kind == Kind.CANCEL:
            cancel(book, log, i, row, Reason.NONE)
        elif message.kind == Kind.REDUCE:
            reduce(book, log, i, row, message.lots)
        else:
            trade(book, log, i, message, row, prevention)
    return messages.size


@inlined
def refusal(book: Book, message: Any, row: int, capacity: int, prevention: int) -> int:
    """Return why a message cannot be executed. `row` is that of the order with its id, or NONE."""
    kind, lots = message.kind, message.lots
    if kind < Kind.NEW or kind > Kind.MARKET:
        return Reason.UNKNOWN_KIND
    enters = kind == Kind.NEW or kind == Kind.MARKET
    if enters and message.side != BUY and message.side != SELL:
        return Reason.UNKNOWN_SIDE
    if enters and row != NONE:
        return Reason.DUPLICATE_ID
    if not enters and row == NONE:
        return Reason.NOT_RESTING
    if kind != Kind.CANCEL and (lots < 1 or lots > LARGEST_LOTS):
        return Reason.LOTS_OUT_OF_RANGE
    if kind == Kind.REDUCE and lots >= book.orders[row, SIZE]:
        return Reason.NOT_SMALLER
    has_price = kind == Kind.NEW or kind == Kind.REPLACE
    if has_price and (message.ticks < 1 or message.ticks > LARGEST_TICKS):
        return Reason.TICKS_OUT_OF_RANGE
    if kind == Kind.NEW:
        return refusal_of_terms(book, message, capacity, prevention)
    return Reason.NONE


@inlined
def refusal_of_terms(book: Book, message: Any, capacity: int, prevention: int) -> int:
    """Return why the time in force of a new order cannot be met."""
    tif = message.tif
    if tif < TimeInForce.GTC or tif > TimeInForce.POST_ONLY:
        return Reason.UNKNOWN_TIF
    if tif == TimeInForce.FOK and not is_fillable(book, message, prevention):
        return Reason.NOT_FILLABLE
    if tif == TimeInForce.POST_ONLY and is_marketable(book, message.side, message.ticks):
        return Reason.WOULD_TAKE
    may_rest = tif == TimeInForce.GTC or tif == TimeInForce.POST_ONLY
    if may_rest and book.state[RESTING] >= capacity:
        return Reason.BOOK_FULL
    return Reason.NONE


@inlined
def is_fillable(book: Book, message: Any, prevention: int) -> bool:
    """Return whether the book can fill the whole of an order at its limit price."""
    side, lots = message.side, message.lots
    ticks = best(book, -side)
    while lots > 0 and side * (message.ticks - ticks) >= 0:
        level = level_row(book.levels, ticks)
        if message.owner == 0:
            lots -= book.levels.rows[level, LOTS]
        else:
            row = book.levels.rows[level, HEAD]
            while row != NONE and lots > 0:
                if book.orders[row, OWNER] != message.owner:
                    lots -= book.orders[row, SIZE]
                elif prevention != SelfTradePrevention.CANCEL_OLDEST:
                    return False
                row = book.orders[row, NEXT]
        ticks = next_price(book, -side, ticks)
    return lots <= 0


@inlined
def trade(book: Book, log: ReportLog, i: int, message: Any, row: int, prevention: int) -> None:
    """Match a new or replaced order; let the remainder rest or cancel it."""
    order_id, ticks, side, owner = message.order_id, message.ticks, message.side, message.owner
    if message.kind == Kind.REPLACE:
        side, owner = book.orders[row, SIDE], book.orders[row, OWNER]
        unlink(book, row)
    else:
        report(log, Outcome.ACCEPTED, i, order_id, 0, side, ticks, message.lots, Reason.NONE)
    limit = ticks
    if message.kind == Kind.MARKET:
        limit = LARGEST_TICKS if side == BUY else 1
    left = message.lots
    ending = ending_of(message)
    while left > 0 and is_marketable(book, side, limit):
        maker = first_order(book, -side)
        if owner == 0 or book.orders[maker, OWNER] != owner:
            left -= fill(book, log, i, order_id, side, maker, left)
            continue
        if prevention != SelfTradePrevention.CANCEL_NEWEST:
            cancel(book, log, i, maker, Reason.SELF_TRADE)
        if prevention != SelfTradePrevention.CANCEL_OLDEST:
            ending = Reason.SELF_TRADE
            break
    if left > 0 and ending != Reason.NONE:
        report(log, Outcome.CANCELLED, i, order_id, 0, side, ticks, left, ending)
        return
    if left > 0:
        rest(book, order_id, owner, side, ticks, left)
    if message.kind == Kind.REPLACE:
        report(log, Outcome.REPLACED, i, order_id, 0, side, ticks, left, Reason.NONE)


@inlined
def ending_of(message: Any) -> int:
    """Return why the remainder of an order is cancelled, or NONE if it rests."""
    if message.kind == Kind.MARKET:
        return Reason.NOT_FILLED
    if message.kind == Kind.NEW and message.tif == TimeInForce.IOC:
        return Reason.NOT_FILLED
    return Reason.NONE


@inlined
def cancel(book: Book, log: ReportLog, i: int, row: int, reason: int) -> None:
    """Remove a resting order."""
    order: Any = book.orders[row]
    report(log, Outcome.CANCELLED, i, order[ID], 0, order[SIDE], order[TICKS], order[SIZE], reason)
    unlink(book, row)


@inlined
def reduce(book: Book, log: ReportLog, i: int, row: int, lots: int) -> None:
    """Make a resting order smaller; it keeps its place."""
    shrink(book, row, book.orders[row, SIZE] - lots)
    order: Any = book.orders[row]
    report(log, Outcome.REPLACED, i, order[ID], 0, order[SIDE], order[TICKS], lots, Reason.NONE)


@inlined
def reject(log: ReportLog, i: int, message: Any, reason: int) -> None:
    """Report a message that was not executed, with its own side, price and size."""
    report(
        log,
        Outcome.REJECTED,
        i,
        message.order_id,
        0,
        message.side,
        message.ticks,
        message.lots,
        reason,
    )
