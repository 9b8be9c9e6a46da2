"""Orders, commands, positions, leverages and balances: what the desk's records say about them.

Each function runs in the transaction that stores the records, so that these tables agree with the
records whatever process is killed (journal/projections.py).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import orjson

from exchange.accounts import notices
from exchange.accounts.answers import Answers, answers_of
from exchange.accounts.instruments import with_keys
from exchange.accounts.loading import tick_value
from exchange.accounts.rows import in_order, last_of_each, sums_of
from exchange.clearing.ledger import LedgerCause, entries_of_executions, entries_of_funding
from exchange.clearing.orders import Cause, OrderType
from exchange.engine.messages import TimeInForce
from exchange.kinds import EXECUTIONS, FUNDING, LEDGER, ORDER_EVENTS
from exchange.models import Leverage, Order
from journal import projections, statements
from journal.storage import insert
from journal.updates import Update
from market.kinds import Rows
from market.times import from_microseconds

ORDERS: Final = "exchange_order"
ACCOUNTS: Final = "exchange_account"
POSITIONS: Final = "exchange_position"
STATE: Final = ("state", "cause", "ticks", "trigger_ticks", "lots", "filled")
UPDATE_ORDER: Final = Update(table=ORDERS, to=(*STATE, "updated_at"), keys=("id",))
ADD_VALUE: Final = Update(table=ORDERS, by=("value",), keys=("id",))
ANSWER_COMMAND: Final = Update(
    table="exchange_command",
    to=("reason", "result"),
    keys=("id",),
    always=("done = TRUE",),
    types=(("result", "jsonb"),),
)
COUNT_EVENTS: Final = Update(table=ACCOUNTS, to=("events",), keys=("id",))
COUNT_EXECUTIONS: Final = Update(table=ACCOUNTS, to=("executions",), keys=("id",))
RAISE_VERSION: Final = Update(table=ACCOUNTS, by=("version",), keys=("id",))
ADD_MONEY: Final = Update(table=ACCOUNTS, by=("balance", "version"), keys=("id",))
ADD_EXECUTIONS: Final = Update(
    table=POSITIONS,
    to=("updated_at",),
    by=("lots", "cost", "realised", "fees"),
    keys=("account_id", "instrument_id"),
)
OPEN_POSITIONS: Final = (
    "INSERT INTO exchange_position (account_id, instrument_id, lots, cost, realised, fees, "
    "funding, updated_at) VALUES"
)
OPEN_POSITION: Final = "(%s, %s, 0, 0, 0, 0, 0, 0)"
ADD_FUNDING: Final = Update(
    table=POSITIONS,
    to=("updated_at",),
    by=("funding",),
    keys=("account_id", "instrument_id"),
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
    update(UPDATE_ORDER, newest[[*STATE, "at", "order"]].tolist())
    answer_commands(answers_of(rows))
    set_leverages(rows[rows["cause"] == Cause.LEVERAGE_SET])
    update(COUNT_EVENTS, last_of_each(rows, "account")[["number", "account"]].tolist())


def follow_executions(rows: Rows) -> None:
    """Add executions to orders, positions, ledger and balances."""
    rows = in_order(rows)
    update(ADD_VALUE, sums_of(rows["order"], rows["ticks"] * rows["lots"]))
    add_to_positions(rows)
    book(rows, entries_of_executions(rows))
    update(COUNT_EXECUTIONS, last_of_each(rows, "account")[["number", "account"]].tolist())


def follow_funding(rows: Rows) -> None:
    """Add money that moves without a trade to positions, ledger and balances."""
    held = rows[rows["cause"] == LedgerCause.FUNDING]
    paid: dict[tuple[int, int], tuple[int, int]] = {}
    for account, instrument, amount, at in held[["account", "instrument", "amount", "at"]].tolist():
        _, before = paid.get((account, instrument), (0, 0))
        paid[account, instrument] = at, before + amount
    update(ADD_FUNDING, [(*sums, *key) for key, sums in paid.items()])
    book(rows, entries_of_funding(rows))


def update(change: Update, rows: Sequence[tuple[Any, ...]]) -> None:
    """Update one row for each of `rows`; raise ProjectionError."""

    def missing(found: int, expected: int) -> ProjectionError:
        return ProjectionError(
            f"{change.table}: found {found} of {expected} rows to update: restore orders, accounts "
            "and records from the same backup"
        )

    change.execute(rows, missing)


def answer_commands(answers: Answers) -> None:
    """Store what the desk answered, and send it to the doors of other processes."""
    update(
        ANSWER_COMMAND,
        [
            (answer.reason, orjson.dumps(answer.result).decode(), command)
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
    update(RAISE_VERSION, [(1, account) for account in sorted({key[0] for key in chosen})])
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
    open_positions(added)
    update(ADD_EXECUTIONS, [(at, *sums, *key) for key, (*sums, at) in added.items()])


def open_positions(keys: Iterable[tuple[int, int]]) -> None:
    """Add a position for each account and instrument that has none."""
    values = [each for key in keys for each in key]
    rows = ", ".join([OPEN_POSITION] * (len(values) // 2))
    statements.execute(f"{OPEN_POSITIONS} {rows} ON CONFLICT DO NOTHING", values)


def book(rows: Rows, entries: Rows) -> None:
    """Add entries to the ledger, their sums to the balances; count changes of all these accounts.

    A fill without fee and profit adds no entry, but changes a position.
    """
    if len(entries):
        insert(LEDGER, entries)
    moved = dict.fromkeys(np.unique(rows["account"]).tolist(), 0)
    moved |= {account: amount for amount, account in sums_of(entries["account"], entries["amount"])}
    update(ADD_MONEY, [(amount, 1, account) for account, amount in moved.items()])
