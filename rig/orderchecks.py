"""Checks of a database after accounts traded through faults, independent of the product's audit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

from rig.ordertraders import Follower, Sent

RULES: Mapping[str, str] = {
    "client ids of several orders": """
        SELECT account_id, client_id, count(*) FROM exchange_order
        WHERE client_id <> '' GROUP BY 1, 2 HAVING count(*) > 1""",
    "client ids of several commands": """
        SELECT account_id, client_id, count(*) FROM exchange_command
        WHERE client_id <> '' GROUP BY 1, 2 HAVING count(*) > 1""",
    "commands that nobody executed": "SELECT id FROM exchange_command WHERE NOT done",
    "commands that were not answered at one moment": """
        SELECT c.id, count(DISTINCT e.at) FROM exchange_command c
        LEFT JOIN exchange_orderevent e ON e.command = c.id
        GROUP BY c.id HAVING count(DISTINCT e.at) <> 1""",
    "executions whose ledger entries differ from them": """
        SELECT e.account, e.number FROM exchange_execution e
        LEFT JOIN exchange_ledgerentry l ON l.account = e.account
          AND l.instrument_id = e.instrument_id AND l.execution_seq = e.seq
        GROUP BY e.id HAVING coalesce(sum(l.amount), 0) <> e.realised - e.fee
          OR count(l.id) <> (e.realised <> 0)::int + (e.fee <> 0)::int""",
    "ledger entries without an execution": """
        SELECT l.id FROM exchange_ledgerentry l LEFT JOIN exchange_execution e
        ON l.account = e.account AND l.instrument_id = e.instrument_id AND l.execution_seq = e.seq
        WHERE l.execution_seq > 0 AND e.id IS NULL""",
    "balances that are not the sum of their ledger": """
        SELECT a.name, a.balance FROM exchange_account a
        LEFT JOIN exchange_ledgerentry l ON l.account = a.id
        GROUP BY a.id HAVING a.balance <> coalesce(sum(l.amount), 0)""",
    "positions that are not the sum of their executions": """
        SELECT account, instrument, sum(lots) FROM (
          SELECT account_id AS account, instrument_id AS instrument, lots FROM exchange_position
          UNION ALL SELECT account, instrument_id, -side * lots FROM exchange_execution) AS sums
        GROUP BY 1, 2 HAVING sum(lots) <> 0""",
    "orders that differ from their executions": """
        SELECT o.id FROM exchange_order o LEFT JOIN exchange_execution e ON e."order" = o.id
        GROUP BY o.id HAVING o.filled <> coalesce(sum(e.lots), 0)
          OR o.value <> coalesce(sum(e.lots * e.ticks), 0)""",
    "executions whose trade differs from them": """
        SELECT e.account, e.number FROM exchange_execution e LEFT JOIN exchange_trade t
        ON t.instrument_id = e.instrument_id AND t.seq = e.trade_seq AND t.ticks = e.ticks
          AND t.lots = e.lots AND -e."order" IN (t.maker, t.taker) WHERE t.id IS NULL""",
}
"""SQL that finds rows by what is wrong with them."""
SHOWN = 5


def broken_rules(connection: psycopg.Connection[Any]) -> Iterator[str]:
    for rule, sql in RULES.items():
        if found := connection.execute(sql).fetchall():
            yield f"{len(found)} {rule}: {found[:SHOWN]}"


def waiting_commands(url: str) -> int:
    with psycopg.connect(url) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM exchange_command WHERE NOT done"
        ).fetchone() or (0,)
    return int(count)


def unknown_orders(url: str, account: str, sent: Mapping[str, Sent]) -> Iterator[str]:
    """Yield acknowledged orders that are not stored, once, under the id that was acknowledged."""
    with psycopg.connect(url) as connection:
        stored = connection.execute(
            "SELECT client_id, array_agg(o.id) FROM exchange_order o JOIN exchange_account a "
            "ON a.id = o.account_id WHERE a.name = %s GROUP BY 1",
            [account],
        )
        found: dict[str, list[int]] = dict(stored.fetchall())
    for name, each in sent.items():
        placed = each.order is not None and each.request.kind != "cancel"
        if placed and found.get(name) != [each.order]:
            yield f"{name}: order {each.order} was acknowledged, {found.get(name)} is stored"
    for name in found.keys() - sent.keys():
        yield f"order {found[name]} is stored under {name!r}, which nobody sent"


def differences(
    follower: Follower, recorded: Mapping[str, Sequence[Sequence[Any]]]
) -> Iterator[str]:
    """Yield how what a follower received differs from what REST says is recorded."""
    yield from follower.complaints
    for topic, rows in recorded.items():
        received = follower.rows[topic]
        if [row[0] for row in rows] != list(range(1, len(rows) + 1)):
            yield f"{follower.name}: the numbers of the recorded {topic} have gaps"
        if len(received) != len(rows):
            yield f"{follower.name}: {len(received)} {topic} received, {len(rows)} recorded"
        other = [row[0] for row, got in zip(rows, received, strict=False) if list(row) != got]
        if other:
            yield f"{follower.name}: {topic} {other[:SHOWN]} differ from the recorded ones"
