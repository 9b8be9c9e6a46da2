"""What messages did to the book: trades and changed levels from the engine's reports."""

import numpy as np

from exchange.flow.advances import EMPTY, Advance, trade_rows
from exchange.flow.state import FLOW_UPDATE, LAST, TRADE, TRADE_COLUMNS, Moment
from exchange.idtable import NONE, IntMatrix, find
from exchange.kernel import kernel
from exchange.matching import MatchingEngine
from exchange.messages import Outcome
from exchange.orderbook import SIDE, TICKS, Book, best, lots_at
from exchange.pricelevels import IntArray
from market.kinds import Rows


def execute(
    engine: MatchingEngine, state: IntArray, messages: Rows, moment: Moment, instrument: int
) -> tuple[Rows, Advance]:
    """Execute messages of accounts or episodes; return the reports, and the records they make."""
    before = levels_of(engine.book, np.ascontiguousarray(messages["order_id"]))
    reports = engine.process(messages)
    fills = reports[reports["outcome"] == Outcome.FILLED]
    trades = np.empty((len(fills), len(TRADE_COLUMNS)), np.int64)
    for i, name in enumerate(("ticks", "lots", "side", "maker_id", "order_id"), start=3):
        trades[:, i] = fills[name]
    trades[:, 0] = state[TRADE] + 1 + np.arange(len(fills))
    trades[:, 1] = moment.at
    trades[:, 2] = moment.slot
    if len(fills):
        state[TRADE] += len(fills)
        state[LAST] = fills["ticks"][-1]
    updates = changes(engine.book, touched(before, reports), moment)
    return reports, EMPTY.with_rows(trades=trade_rows(instrument, trades), updates=updates)


def touched(before: IntMatrix, reports: Rows) -> list[tuple[int, int]]:
    """Return side and price of every level that the messages may have changed.

    `before`: where the orders rested that the messages name.
    """
    filled = reports["outcome"] == Outcome.FILLED
    sides = np.where(filled, -reports["side"], reports["side"])[
        reports["outcome"] != Outcome.REJECTED
    ]
    ticks = reports["ticks"][reports["outcome"] != Outcome.REJECTED]
    named = before[before[:, 1] != NONE]
    return sorted({*zip(sides.tolist(), ticks.tolist(), strict=True), *map(tuple, named.tolist())})


def changes(book: Book, levels: list[tuple[int, int]], moment: Moment) -> Rows:
    """Return the updates that give these levels their present totals."""
    rows = np.zeros(len(levels), FLOW_UPDATE)
    if levels:
        rows["side"], rows["ticks"] = np.array(levels).T
        rows["lots"] = totals(book, np.array(levels))
        rows["at"], rows["slot"], rows["event"] = moment
    return rows


@kernel
def levels_of(book: Book, order_ids: IntArray) -> IntMatrix:
    """Return side and price of each order, NONE where no such order rests; shape (n, 2)."""
    levels = np.full((order_ids.size, 2), NONE)
    for i in range(order_ids.size):
        row = find(book.ids, book.orders, order_ids[i])
        if row != NONE:
            levels[i, 0] = book.orders[row, SIDE]
            levels[i, 1] = book.orders[row, TICKS]
    return levels


@kernel
def totals(book: Book, levels: IntMatrix) -> IntArray:
    """Return what rests of a side at a price, for rows of side and price."""
    lots = np.zeros(len(levels), np.int64)
    for i in range(len(levels)):
        side, ticks = levels[i]
        if side * (best(book, side) - ticks) >= 0:
            lots[i] = lots_at(book, ticks)
    return lots
