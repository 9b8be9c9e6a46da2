"""Compares the books of bots with those of the exchange, in SQL, independent of the product.

A bot trades in the account of the same name at the exchange. Executions may reach a bot in another
order than they happened: those of one millisecond, or one whose message was lost. By average cost,
the order decides how much an execution realises, and what the lots that are held cost. It does not
change their difference, which is the money that was earned and paid: so that must be equal to the
last unit. `reordered` counts the positions whose two parts differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

SHOWN = 5
OURS = """
    WITH ours AS (
      SELECT o.*, b.name AS account FROM trading_botorder o JOIN trading_bot b ON b.id = o.bot_id),
    theirs AS (
      SELECT o.*, a.name AS account FROM exchange_order o JOIN exchange_account a
      ON a.id = o.account_id JOIN trading_bot b ON b.name = a.name),
    fills AS (
      SELECT order_id, sum(lots) AS lots, sum(lots * ticks) AS value, sum(fee) AS fee
      FROM trading_botfill GROUP BY 1),
    executions AS (
      SELECT "order", sum(lots) AS lots, sum(lots * ticks) AS value, sum(fee) AS fee
      FROM exchange_execution GROUP BY 1)"""
RULES: Mapping[str, str] = {
    "orders that exist more than once at the exchange": """
        SELECT account, client_id, count(*) FROM theirs WHERE client_id <> ''
        GROUP BY 1, 2 HAVING count(*) > 1""",
    "orders that are neither at the exchange nor reported as not sent or refused": """
        SELECT o.client_id, o.state FROM ours o LEFT JOIN theirs t USING (account, client_id)
        WHERE t.id IS NULL AND (o.state NOT IN (5, 6) OR o.filled > 0)""",
    "orders that are reported as not sent, but exist": """
        SELECT o.client_id, t.state, t.filled FROM ours o JOIN theirs t USING (account, client_id)
        WHERE o.state = 6""",
    "orders at the exchange that no bot knows": """
        SELECT t.account, t.client_id FROM theirs t LEFT JOIN ours o USING (account, client_id)
        WHERE o.id IS NULL""",
    "orders whose fills differ": """
        SELECT o.client_id, f.lots, f.value, f.fee, e.lots, e.value, e.fee FROM ours o
        JOIN theirs t USING (account, client_id) LEFT JOIN fills f ON f.order_id = o.id
        LEFT JOIN executions e ON e."order" = t.id
        WHERE o.filled <> t.filled OR (f.lots, f.value, f.fee)
          IS DISTINCT FROM (e.lots, e.value, e.fee)""",
    "orders that are still working for their bot": """
        SELECT client_id, state FROM ours WHERE state IN (0, 1, 2)""",
    "orders that are still open at the exchange": """
        SELECT account, client_id, state FROM theirs WHERE state IN (0, 1, 2, 6, 7)""",
    "positions that differ": """
        SELECT a.name, p.instrument_id, p.lots, m.lots FROM exchange_position p
        JOIN exchange_account a ON a.id = p.account_id JOIN trading_bot b ON b.name = a.name
        LEFT JOIN trading_botposition m ON m.bot_id = b.id AND m.instrument_id = p.instrument_id
          AND m.state <> 3
        WHERE p.lots <> coalesce(m.lots, 0)""",
    "positions that the exchange lacks": """
        SELECT b.name, m.instrument_id, m.lots FROM trading_botposition m
        JOIN trading_bot b ON b.id = m.bot_id LEFT JOIN exchange_account a ON a.name = b.name
        LEFT JOIN exchange_position p
          ON p.account_id = a.id AND p.instrument_id = m.instrument_id
        WHERE m.state <> 3 AND m.lots <> 0 AND p.lots IS NULL""",
    "bots whose profit differs from the account's": """
        SELECT b.name, m.earned, sum(p.realised - p.cost), b.fees, sum(p.fees) FROM trading_bot b
        JOIN exchange_account a ON a.name = b.name JOIN exchange_position p ON p.account_id = a.id
        JOIN (SELECT bot_id, sum(realised - cost) AS earned FROM trading_botposition GROUP BY 1) m
          ON m.bot_id = b.id
        GROUP BY b.id, m.earned
        HAVING (m.earned, b.fees) <> (sum(p.realised - p.cost), sum(p.fees))""",
    "bots whose profit is not that of their positions": """
        SELECT b.name, b.realised, sum(m.realised), b.fees, sum(m.fees) FROM trading_bot b
        JOIN trading_botposition m ON m.bot_id = b.id GROUP BY b.id
        HAVING (b.realised, b.fees) <> (sum(m.realised), sum(m.fees))""",
    "bots of the exchange whose balance is not deposit and profit": """
        SELECT b.name, a.balance, b.realised - b.fees + b.funding FROM trading_bot b
        JOIN exchange_account a ON a.id = b.account_id
        JOIN exchange_ledgerentry l ON l.account = a.id AND l.instrument_id IS NULL
        GROUP BY b.id, a.id HAVING a.balance <> sum(l.amount) + b.realised - b.fees + b.funding""",
}
"""SQL that finds rows by what is wrong with them."""


FUNDING = """
    SELECT b.name, b.funding, coalesce(sum(l.amount), 0) FROM trading_bot b
    JOIN exchange_account a ON a.name = b.name
    LEFT JOIN exchange_ledgerentry l ON l.account = a.id AND l.cause = 4
    WHERE b.name = ANY(%s)
    GROUP BY b.id HAVING b.funding <> coalesce(sum(l.amount), 0)"""


REORDERED = """
    SELECT count(*) FROM trading_botposition m JOIN trading_bot b ON b.id = m.bot_id
    JOIN exchange_account a ON a.name = b.name
    JOIN exchange_position p ON p.account_id = a.id AND p.instrument_id = m.instrument_id
    WHERE m.state <> 3 AND p.cost <> m.cost"""


def differences(url: str) -> Iterator[str]:
    """Yield what differs between the bots' books and the exchange's, once nothing is on its way."""
    with psycopg.connect(url) as connection:
        for rule, sql in RULES.items():
            if found := connection.execute(OURS + sql).fetchall():
                yield f"{len(found)} {rule}: {found[:SHOWN]}"


def funding_differences(url: str, names: Sequence[str]) -> Iterator[str]:
    """Yield the bots whose funding is not the account's, right after their recovery.

    Later, what is paid on positions that bots have left open is not booked.
    """
    with psycopg.connect(url) as connection:
        if found := connection.execute(FUNDING, [list(names)]).fetchall():
            yield f"{len(found)} bots whose funding differs from the account's: {found[:SHOWN]}"


def reordered(url: str) -> int:
    """Return how many positions have another cost, because their executions came in another order.

    What they realised differs by the same amount.
    """
    with psycopg.connect(url) as connection:
        row = connection.execute(REORDERED).fetchone()
    return int(row[0]) if row else 0


def counts(url: str, prefix: str) -> dict[str, Any]:
    """Return how many orders of the bots whose names begin with `prefix` ended how."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE o.state = 3 OR o.filled > 0), "
            "count(*) FILTER (WHERE o.state = 5), count(*) FILTER (WHERE o.state = 6) "
            "FROM trading_botorder o JOIN trading_bot b ON b.id = o.bot_id "
            "WHERE starts_with(b.name, %s)",
            [prefix],
        ).fetchone()
    names = ("orders", "traded", "rejected", "not sent")
    return dict(zip(names, row or (0,) * len(names), strict=True))
