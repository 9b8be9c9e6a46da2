"""What messages did to the book: trades and changed levels from the engine's reports."""

import numpy as np

from exchange.engine.idtable import NONE, IntMatrix, find
from exchange.engine.kernel import kernel
from exchange.engine.messages import Outcome
from exchange.engine.orderbook import SIDE, TICKS, Book, best, lots_at
from exchange.engine.pricelevels import IntArray
from exchange.flow.advances import EMPTY, Advance, trade_rows
from exchange.flow.state import FLOW_UPDATE, LAST, TRADE, TRADE_COLUMNS, Moment
from exchange.matching import MatchingEngine
from market.kinds import Rows


def execute(
    engine: MatchingEngine, state: IntArray, messages: Rows, moment: Moment, instrument: int
) -> tuple[Rows, Advance]:
    """Execute messages of accounts or episodes; return the reports, and the records they make."""
    before = np.empty((len(messages), 2), np.int64)
    find_levels(before, engine.book, np.ascontiguousarray(messages["order_id"]))
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
    pairs = np.array(levels, np.int64).reshape(-1, 2)
    rows = np.empty(len(pairs), FLOW_UPDATE)
    lots = np.empty(len(pairs), np.int64)
    find_totals(lots, book, pairs)
    rows["side"], rows["ticks"], rows["lots"] = *pairs.T, lots
    rows["at"], rows["slot"], rows["event"] = moment
    return rows


@kernel
def find_levels(levels: IntMatrix, book: Book, order_ids: IntArray) -> None:
    """Write side and price of each order, NONE where no such order rests."""
    for i in range(order_ids.size):
        row = find(book.ids, book.orders, order_ids[i])
        levels[i, 0] = NONE if row == NONE else book.orders[row, SIDE]
        levels[i, 1] = NONE if row == NONE else book.orders[row, TICKS]


@kernel
def find_totals(lots: IntArray, book: Book, levels: IntMatrix) -> None:
    """Write what rests of a side at a price, for rows of side and price."""
    for i in range(len(levels)):
        side, ticks = levels[i, 0], levels[i, 1]
        rests = side * (best(book, side) - ticks) >= 0
        lots[i] = lots_at(book, ticks) if rests else 0
