"""Orders, commands, positions, leverages and balances: what the desk's records say about them.

Each function runs in the transaction that stores the records, so that these tables agree with the
records whatever process is killed (journal/projections.py).
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from django.db import connection

from exchange.accounts import notices
from exchange.accounts.answers import Answers, answers_of
from exchange.accounts.instruments import with_keys
from exchange.accounts.loading import tick_value
from exchange.accounts.rows import in_order, last_of_each, sums_of
from exchange.clearing.ledger import LedgerCause, entries_of_executions, entries_of_funding
from exchange.clearing.orders import Cause, OrderType
from exchange.engine.messages import TimeInForce
from exchange.kinds import EXECUTIONS, FUNDING, LEDGER, ORDER_EVENTS
from exchange.models import Leverage, Order, Position
from journal import projections, statements
from journal.storage import insert
from market.kinds import Rows
from market.times import from_microseconds

UPDATE_ORDER: Final = (
    "UPDATE exchange_order SET state = %s, cause = %s, ticks = %s, trigger_ticks = %s, lots = %s, "
    "filled = %s, updated_at = %s WHERE id = %s"
)
ADD_VALUE: Final = "UPDATE exchange_order SET value = value + %s WHERE id = %s"
ANSWER_COMMAND: Final = (
    "UPDATE exchange_command SET done = %s, reason = %s, result = %s WHERE id = %s"
)
COUNT_EVENTS: Final = "UPDATE exchange_account SET events = %s WHERE id = %s"
COUNT_EXECUTIONS: Final = "UPDATE exchange_account SET executions = %s WHERE id = %s"
ADD_MONEY: Final = (
    "UPDATE exchange_account SET balance = balance + %s, version = version + 1 WHERE id = %s"
)
RAISE_VERSION: Final = "UPDATE exchange_account SET version = version + 1 WHERE id = %s"
ADD_EXECUTIONS: Final = (
    "UPDATE exchange_position SET lots = lots + %s, cost = cost + %s, realised = realised + %s, "
    "fees = fees + %s, updated_at = %s WHERE account_id = %s AND instrument_id = %s"
)
ADD_FUNDING: Final = (
    "UPDATE exchange_position SET funding = funding + %s, updated_at = %s "
    "WHERE account_id = %s AND instrument_id = %s"
)


class ProjectionError(RuntimeError):
    """Records of the desk concern rows that do not exist. Nothing was stored."""


def register() -> None:
    """Follow all records of the desk; order events first, because they may add orders."""
    projections.register(ORDER_EVENTS, follow_order_events)
    projections.register(EXECUTIONS, follow_executions)
    projections.register(FUNDING, follow_funding)


def follow_order_events(rows: Rows) -> None:
    """Bring orders up to date, answer commands, note leverages."""
    rows = in_order(rows)
    add_exchange_orders(rows[rows["order"] < 0])
    newest = last_of_each(rows[rows["order"] != 0], "order")
    columns = ("state", "cause", "ticks", "trigger_ticks", "lots", "filled", "at", "order")
    update(UPDATE_ORDER, newest[list(columns)].tolist())
    answer_commands(answers_of(rows))
    set_leverages(rows[rows["cause"] == Cause.LEVERAGE_SET])
    update(COUNT_EVENTS, last_of_each(rows, "account")[["number", "account"]].tolist())


def follow_executions(rows: Rows) -> None:
    """Add executions to orders, positions, ledger and balances."""
    rows = in_order(rows)
    update(ADD_VALUE, sums_of(rows["order"], rows["ticks"] * rows["lots"]))
    add_to_positions(rows)
    book(entries_of_executions(rows))
    update(COUNT_EXECUTIONS, last_of_each(rows, "account")[["number", "account"]].tolist())


def follow_funding(rows: Rows) -> None:
    """Add money that moves without a trade to positions, ledger and balances."""
    held = rows[rows["cause"] == LedgerCause.FUNDING]
    columns = ("amount", "at", "account", "instrument")
    update(ADD_FUNDING, held[list(columns)].tolist())
    book(entries_of_funding(rows))


def update(statement: str, parameters: Sequence[tuple[Any, ...]]) -> None:
    """Execute an UPDATE of one row for each of `parameters`; raise ProjectionError."""
    if not parameters:
        return
    cursor = connection.cursor()
    cursor.executemany(statement, parameters)

    def check() -> None:
        with cursor:
            if cursor.rowcount != len(parameters):
                raise ProjectionError(
                    f"{statement!r} found {cursor.rowcount} of {len(parameters)} rows: restore "
                    "orders, accounts and records from the same backup"
                )

    statements.when_executed(check)


def answer_commands(answers: Answers) -> None:
    """Store what the desk answered, and send it to the doors of other processes."""
    as_json = connection.ops.adapt_json_value
    update(
        ANSWER_COMMAND,
        [
            (True, answer.reason, as_json(answer.result, None), command)
            for command, answer in answers.items()
        ],
    )
    notices.send(answers)


def add_exchange_orders(rows: Rows) -> None:
    """Add the orders by which the exchange liquidates positions; their ids are negative."""
    orders = [
        Order(
            id=int(row["order"]),
            account_id=int(row["account"]),
            instrument_id=int(row["instrument"]),
            side=int(row["side"]),
            type=OrderType.MARKET.value,
            tif=TimeInForce.IOC.value,
            lots=int(row["lots"]),
            reduce_only=True,
            created_at=from_microseconds(int(row["at"])),
            updated_at=from_microseconds(int(row["at"])),
        )
        for row in last_of_each(rows, "order")
    ]
    Order.objects.bulk_create(orders, ignore_conflicts=True)


def set_leverages(rows: Rows) -> None:
    chosen = {(int(row["account"]), int(row["instrument"])): int(row["lots"]) for row in rows}
    update(RAISE_VERSION, [(account,) for account in sorted({key[0] for key in chosen})])
    Leverage.objects.bulk_create(
        [
            Leverage(account_id=key[0], instrument_id=key[1], leverage=n)
            for key, n in chosen.items()
        ],
        update_conflicts=True,
        unique_fields=["account", "instrument"],
        update_fields=["leverage"],
    )


def add_to_positions(rows: Rows) -> None:
    keys = np.unique(rows["instrument"]).tolist()
    instruments = with_keys(keys)
    worth = {key: tick_value(instruments[key]) for key in keys}
    added: dict[tuple[int, int], list[int]] = {}
    for row in rows:
        account, instrument, at, realised = (
            int(row[name]) for name in ("account", "instrument", "at", "realised")
        )
        signed = int(row["side"]) * int(row["lots"])
        cost = signed * int(row["ticks"]) * worth[instrument] + realised
        sums = added.setdefault((account, instrument), [0, 0, 0, 0, at])
        for index, amount in enumerate((signed, cost, realised, int(row["fee"]))):
            sums[index] += amount
        sums[-1] = at
    Position.objects.bulk_create(
        [
            Position(
                account_id=key[0], instrument_id=key[1], updated_at=from_microseconds(sums[-1])
            )
            for key, sums in added.items()
        ],
        ignore_conflicts=True,
    )
    update(ADD_EXECUTIONS, [(*sums, *key) for key, sums in added.items()])


def book(entries: Rows) -> None:
    """Add entries to the ledger, and their sums to the balances."""
    if len(entries):
        insert(LEDGER, entries)
        update(ADD_MONEY, sums_of(entries["account"], entries["amount"]))
