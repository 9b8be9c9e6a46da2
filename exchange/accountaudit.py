"""Audit checks of accounts: balances, positions, orders and commands are what records made them."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archive import records
from archive.auditing import LONGEST_REPORT, Check, Report
from archive.database import fetch
from exchange.clearing.ledger import LedgerCause
from exchange.clearing.orders import LARGEST_ID
from exchange.kinds import EXECUTIONS, TRADES
from exchange.loading import tick_value
from instruments.models import Instrument
from market.keys import key_range
from market.kinds import Rows

LEDGER: Final = "exchange_ledgerentry"
ORDER_EVENTS: Final = "exchange_orderevent"
NUMBERS: Final = (
    "CASE WHEN MIN(number) = 1 AND MAX(number) = COUNT(*) THEN COUNT(*) ELSE -COUNT(*) END"
)
"""The number of rows that count 1, 2, 3 ...; negative if they do not."""
TRADED: Final = f"({LedgerCause.FEE:d}, {LedgerCause.REALISED:d})"


class Sum(NamedTuple):
    """A column that must equal an aggregate of records. `keys` are its rows' keys and theirs."""

    what: str
    table: str
    column: str
    keys: tuple[tuple[str, str], ...]
    source: str
    aggregate: str

    def select(self) -> str:
        """Return the SELECT of rows that differ: their keys, the column, the aggregate.

        One statement sees one moment of a running market.
        """
        theirs = ", ".join(f'"{their}" AS k{i}' for i, (_, their) in enumerate(self.keys))
        ours = ", ".join(f"t.{our}" for our, _ in self.keys)
        joined = " AND ".join(f"s.k{i} = t.{our}" for i, (our, _) in enumerate(self.keys))
        groups = ", ".join(f'"{their}"' for _, their in self.keys)
        return (
            f"SELECT {ours}, t.{self.column}, COALESCE(s.total, 0) FROM {self.table} t LEFT JOIN "  # noqa: S608
            f"(SELECT {theirs}, {self.aggregate} AS total FROM {self.source} GROUP BY {groups}) s "
            f"ON {joined} WHERE t.{self.column} <> COALESCE(s.total, 0) LIMIT {LONGEST_REPORT}"
        )


OF_ACCOUNT: Final = (("id", "account"),)
OF_ORDER: Final = (("id", "order"),)
OF_HOLDING: Final = (("account_id", "account"), ("instrument_id", "instrument_id"))
SUMS: Final = (
    Sum("account", "exchange_account", "balance", OF_ACCOUNT, LEDGER, "SUM(amount)"),
    Sum("account", "exchange_account", "events", OF_ACCOUNT, ORDER_EVENTS, NUMBERS),
    Sum("account", "exchange_account", "executions", OF_ACCOUNT, EXECUTIONS.table, NUMBERS),
    Sum("order", "exchange_order", "filled", OF_ORDER, EXECUTIONS.table, "SUM(lots)"),
    Sum("order", "exchange_order", "value", OF_ORDER, EXECUTIONS.table, "SUM(ticks * lots)"),
    *(
        Sum("position", "exchange_position", column, OF_HOLDING, EXECUTIONS.table, aggregate)
        for column, aggregate in (
            ("lots", "SUM(side * lots)"),
            ("realised", "SUM(realised)"),
            ("fees", "SUM(fee)"),
        )
    ),
    Sum(
        "position",
        "exchange_position",
        "funding",
        OF_HOLDING,
        f"(SELECT * FROM exchange_funding WHERE cause = {LedgerCause.FUNDING:d}) f",  # noqa: S608
        "SUM(amount)",
    ),
    Sum(
        "account",
        "(SELECT a.id, COALESCE((SELECT SUM(amount) FROM exchange_ledgerentry l WHERE "  # noqa: S608
        f"l.account = a.id AND cause IN {TRADED}), 0) AS ledger FROM exchange_account a)",
        "ledger",
        OF_ACCOUNT,
        EXECUTIONS.table,
        "SUM(realised - fee)",
    ),
    Sum(
        "command",
        "(SELECT id, CASE WHEN done THEN 1 ELSE 0 END AS done FROM exchange_command)",
        "done",
        (("id", "command"),),
        ORDER_EVENTS,
        "MIN(1)",
    ),
)


def check_accounts(report: Report) -> None:
    """Note accounts, positions, orders and commands that differ from the records."""
    for each in (*SUMS, *costs()):
        for *key, stored, right in fetch(each.select(), []):
            name = "/".join(map(str, key))
            report.note(
                f"{each.what} {name}: {each.column} is {stored}, but its records give {right}"
            )


def costs() -> Iterator[Sum]:
    """Yield how the costs of positions follow from executions, an instrument at a time."""
    for instrument in Instrument.objects.filter(has_book=True):
        held = f"(SELECT * FROM exchange_position WHERE instrument_id = {instrument.pk})"  # noqa: S608
        cost = f"SUM(side * lots * ticks) * {tick_value(instrument)} + SUM(realised)"
        yield Sum("position", held, "cost", OF_HOLDING, EXECUTIONS.table, cost)


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
