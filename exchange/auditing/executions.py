"""Audit check of executions: they are the sides that accounts took in trades."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive import records
from archive.auditing import Check
from archive.database import fetch
from exchange.clearing.orders import LARGEST_ID
from exchange.kinds import EXECUTIONS, TRADES
from market.keys import key_range
from market.kinds import Rows


class ExecutionCheck(Check):
    """Every execution is an account's side of a trade, and every such side has an execution.

    Trades that were pruned are not compared.
    """

    def feed(self, rows: Rows) -> None:
        first, last = int(rows["trade_seq"].min()), int(rows["trade_seq"].max())
        trades = records.read(TRADES, self.instrument, first - 1, last)
        rows = rows[np.isin(rows["trade_seq"], trades["seq"])]
        of = trades[np.searchsorted(trades["seq"], rows["trade_seq"])]
        is_maker = rows["is_maker"] == 1
        wrong = engine_ids(rows["order"]) != np.where(is_maker, of["maker"], of["taker"])
        wrong |= rows["side"] != np.where(is_maker, -of["side"], of["side"])
        for name in ("at", "ticks", "lots"):
            wrong |= rows[name] != of[name]
        for execution, trade in zip(rows[wrong], of[wrong], strict=True):
            self.report.note(f"execution {execution['seq']} is {execution}, its trade {trade}")

    def close(self, last_seq: int) -> None:
        ((sides, executions),) = fetch(COUNTS, 4 * key_range(self.instrument.pk))
        if sides != executions:
            self.report.note(
                f"accounts are {sides} sides of trades, but have {executions} executions"
            )


RANGE: Final = "id > %s AND id < %s"
COUNTS: Final = (
    f"SELECT (SELECT COUNT(*) FROM {TRADES.table} WHERE {RANGE} AND maker < 0) + "  # noqa: S608
    f"(SELECT COUNT(*) FROM {TRADES.table} WHERE {RANGE} AND taker < 0), "
    f"(SELECT COUNT(*) FROM {EXECUTIONS.table} WHERE {RANGE} AND trade_seq >= "
    f"(SELECT MIN(seq) FROM {TRADES.table} WHERE {RANGE}))"
)
"""Of one moment: sides of accounts in the stored trades, and executions of these trades."""


def engine_ids(orders: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ids in trades of orders of accounts (positive) and of the exchange (negative)."""
    return np.where(orders > 0, -orders, orders - LARGEST_ID)
