"""An order book of one instrument with price-time priority: arrays, and helpers for kernels. Pure.

Kernels pass a Book around and inline these helpers. They check nothing: a kernel makes sure
before each call that what the docstring requires holds. Prices are whole ticks
(1 ... LARGEST_TICKS), quantities whole lots (1 ... LARGEST_LOTS), a side is BUY (1) or SELL (-1).

Arrays cannot grow inside a kernel. It asks `has_room` before it rests orders and returns to
Python if there is none; Python calls `with_more_room` and lets the kernel resume.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exchange.engine.idtable import ID, NONE, IdTable, IntMatrix, insert, new_id_table, remove
from exchange.engine.kernel import inlined, kernel, signed
from exchange.engine.messages import BUY, REPORT, Outcome, Reason
from exchange.engine.pricelevels import (
    COUNT,
    HEAD,
    LOTS,
    NO_ASK,
    NO_BID,
    TAIL,
    IntArray,
    PriceLevels,
    level_row,
    new_price_levels,
    occupied_above,
    occupied_below,
    occupy,
    vacate,
    with_more_pages,
)
from market.kinds import Rows

LARGEST_TICKS = NO_ASK - 1
LARGEST_LOTS = 2**40
LARGEST_CAPACITY = 2**22
"""Resting orders of a book: so many of LARGEST_LOTS do not overflow the sum of a level."""

TICKS, SIZE, SIDE, NEXT, PREVIOUS, OWNER, POOL = range(1, 8)
"""Columns of `orders` after ID. SIZE is what remains, in lots; 0 in a free row. NEXT links the
queue of a level, or the free rows. POOL is the position in `pool`, or NONE."""
FREE, RESTING, POOLED, BEST = 0, 1, 2, 4
"""Entries of `state`: first free row, numbers of resting orders and of orders in the pool. BEST +
side is the best price of a side."""


class Book(NamedTuple):
    orders: IntMatrix
    """(rows, 8): one order is one cache line."""
    pool: npt.NDArray[np.int32]
    """(rows,); the first state[POOLED] are the rows of the orders in the pool, in no order."""
    ids: IdTable
    levels: PriceLevels
    state: IntArray


class ReportLog(NamedTuple):
    rows: Rows
    """(n,) of dtype REPORT."""
    used: IntArray
    """(1,)"""

    def reports(self) -> Rows:
        """Return the rows in use, without keeping many unused ones in memory."""
        reports = self.rows[: self.used[0]]
        return reports.copy() if 2 * reports.size < self.rows.size else reports


def new_book(orders: int = 256, pages: int = 8) -> Book:
    """Return an empty book with room for `orders` (a power of two) before it has to grow."""
    rows = np.zeros((orders, 8), np.int64)
    rows[:, NEXT] = np.arange(1, orders + 1)
    rows[-1, NEXT] = NONE
    state = np.array([0, 0, 0, NO_ASK, 0, NO_BID], np.int64)
    pool = np.zeros(orders, np.int32)
    return Book(rows, pool, new_id_table(orders), new_price_levels(pages), state)


def new_report_log(rows: int) -> ReportLog:
    return ReportLog(np.empty(rows, REPORT), np.zeros(1, np.int64))


def with_more_room(book: Book, orders: int = 1) -> Book:
    """Return the same book with room for at least that many more resting orders.

    The given book must not be used any more: the new one shares what did not have to grow.
    """
    while book.orders.shape[0] - book.state[RESTING] < orders:
        book = _with_more_orders(book)
    while book.levels.occupied.size - book.levels.pages_used[0] < orders:
        book = book._replace(levels=with_more_pages(book.levels))
    return book


def _with_more_orders(book: Book) -> Book:
    count = book.orders.shape[0]
    rows = np.zeros((2 * count, 8), np.int64)
    rows[:count] = book.orders
    rows[count:, NEXT] = np.arange(count + 1, 2 * count + 1)
    rows[-1, NEXT] = book.state[FREE]
    book.state[FREE] = count
    pool = np.zeros(2 * count, np.int32)
    pool[:count] = book.pool
    ids = new_id_table(2 * count)
    _insert_all(ids, rows)
    return book._replace(orders=rows, pool=pool, ids=ids)


@kernel
def _insert_all(ids: IdTable, orders: IntMatrix) -> None:
    for row in range(orders.shape[0]):
        if orders[row, SIZE] > 0:
            insert(ids, orders[row, ID], row)


@inlined
def has_room(book: Book, orders: int) -> bool:
    """Return whether that many orders can come to rest before the book has to grow."""
    return (
        book.orders.shape[0] - book.state[RESTING] >= orders
        and book.levels.occupied.size - book.levels.pages_used[0] >= orders
    )


@inlined
def best(book: Book, side: int) -> int:
    """Return the best price of a side; NO_BID (0) or NO_ASK (2^62) if nothing rests there."""
    return book.state[BEST + side]


@inlined
def is_marketable(book: Book, side: int, limit: int) -> bool:
    """Return whether an order of that side and limit price would take."""
    return side * (limit - book.state[BEST - side]) >= 0


@inlined
def next_price(book: Book, side: int, ticks: int) -> int:
    """Return the next occupied price of a side that is worse than `ticks`.

    Below for BUY, above for SELL; NO_BID or NO_ASK if there is none. `ticks` need not be occupied,
    but must not lie beyond the best price of the other side.
    """
    if side == BUY:
        return occupied_below(book.levels, ticks)
    return occupied_above(book.levels, ticks)


@inlined
def lots_at(book: Book, ticks: int) -> int:
    """Return the sum of lots that rest at a price, on whichever side; 0 if nothing does."""
    row = level_row(book.levels, ticks)
    return 0 if row == NONE else book.levels.rows[row, LOTS]


@inlined
def orders_at(book: Book, ticks: int) -> int:
    """Return the number of orders that rest at a price, on whichever side."""
    row = level_row(book.levels, ticks)
    return 0 if row == NONE else book.levels.rows[row, COUNT]


@inlined
def rest(book: Book, order_id: int, owner: int, side: int, ticks: int, lots: int) -> int:
    """Put an order at the end of the queue of its price; return its row.

    Requires: has_room(book, 1), the id does not rest, the price is not marketable.
    """
    orders, state = book.orders, book.state
    row = state[FREE]
    state[FREE] = orders[row, NEXT]
    state[RESTING] += 1
    level = book.levels.rows[occupy(book.levels, ticks)]
    if level[COUNT] == 0:
        level[HEAD] = row
        orders[row, PREVIOUS] = NONE
        if side * (ticks - state[BEST + side]) > 0:
            state[BEST + side] = ticks
    else:
        orders[level[TAIL], NEXT] = row
        orders[row, PREVIOUS] = level[TAIL]
    level[TAIL] = row
    level[LOTS] += lots
    level[COUNT] += 1
    orders[row, ID] = order_id
    orders[row, TICKS] = ticks
    orders[row, SIZE] = lots
    orders[row, SIDE] = side
    orders[row, NEXT] = NONE
    orders[row, OWNER] = owner
    orders[row, POOL] = NONE
    insert(book.ids, order_id, row)
    return row


@inlined
def unlink(book: Book, row: int) -> None:
    """Remove a resting order, also from the pool. Its row is free afterwards."""
    orders, state, levels = book.orders, book.state, book.levels
    ticks, side = orders[row, TICKS], orders[row, SIDE]
    before, after = orders[row, PREVIOUS], orders[row, NEXT]
    level = levels.rows[level_row(levels, ticks)]
    if before == NONE:
        level[HEAD] = after
    else:
        orders[before, NEXT] = after
    if after == NONE:
        level[TAIL] = before
    else:
        orders[after, PREVIOUS] = before
    level[LOTS] -= orders[row, SIZE]
    level[COUNT] -= 1
    if level[COUNT] == 0:
        vacate(levels, ticks)
        if ticks == state[BEST + side]:
            state[BEST + side] = next_price(book, side, ticks)
    remove(book.ids, orders, row)
    leave_pool(book, row)
    orders[row, SIZE] = 0
    orders[row, NEXT] = state[FREE]
    state[FREE] = row
    state[RESTING] -= 1


@inlined
def join_pool(book: Book, row: int) -> None:
    """Add a resting order to the end of the pool of background orders."""
    last = book.state[POOLED]
    book.pool[last] = row
    book.orders[row, POOL] = last
    book.state[POOLED] = last + 1


@inlined
def leave_pool(book: Book, row: int) -> None:
    """Remove an order from the pool if it is there; the last order of the pool takes its place."""
    place = book.orders[row, POOL]
    if place != NONE:
        last = book.state[POOLED] - 1
        moved = signed(book.pool[last])
        book.pool[place] = moved
        book.orders[moved, POOL] = place
        book.orders[row, POOL] = NONE
        book.state[POOLED] = last


@inlined
def shrink(book: Book, row: int, lots: int) -> None:
    """Take `lots` off a resting order that is larger than that; it keeps its place."""
    book.orders[row, SIZE] -= lots
    level = level_row(book.levels, book.orders[row, TICKS])
    book.levels.rows[level, LOTS] -= lots


@inlined
def report(
    log: ReportLog,
    outcome: int,
    message: int,
    order_id: int,
    maker_id: int,
    side: int,
    ticks: int,
    lots: int,
    reason: int,
) -> None:
    """Append a report. The log must have a free row."""
    row: Any = log.rows[log.used[0]]
    row.outcome = outcome
    row.message = message
    row.order_id = order_id
    row.maker_id = maker_id
    row.side = side
    row.ticks = ticks
    row.lots = lots
    row.reason = reason
    log.used[0] += 1


@inlined
def fill(
    book: Book, log: ReportLog, message: int, order_id: int, side: int, maker: int, lots: int
) -> int:
    """Trade up to `lots` with the resting order in row `maker`; return how many.

    Reports FILLED with the maker's id and price. Unlinks the maker if nothing of it remains.
    """
    size = book.orders[maker, SIZE]
    ticks = book.orders[maker, TICKS]
    traded = min(lots, size)
    maker_id = book.orders[maker, ID]
    report(log, Outcome.FILLED, message, order_id, maker_id, side, ticks, traded, Reason.NONE)
    if traded == size:
        unlink(book, maker)
    else:
        shrink(book, maker, traded)
    return traded


@inlined
def first_order(book: Book, side: int) -> int:
    """Return the row of the order of a side that is first in line. The side must not be empty."""
    return book.levels.rows[level_row(book.levels, best(book, side)), HEAD]


@inlined
def match(
    book: Book, log: ReportLog, message: int, order_id: int, side: int, limit: int, lots: int
) -> int:
    """Trade up to `lots` with the other side, at prices no worse than `limit`; return the rest.

    `message` is copied into the reports. Owners play no part: the matching engine prevents
    self-trades. Requires a free row in the log for every order that rests on the other side.
    """
    while lots > 0 and is_marketable(book, side, limit):
        lots -= fill(book, log, message, order_id, side, first_order(book, -side), lots)
    return lots
