"""Orders while services are killed, and proof that the checks of such a trial can fail."""

import random

import psycopg
import pytest

from rig.orderchecks import RULES, broken_rules
from rig.orderclients import Credentials
from rig.orderfaults import SYMBOLS, torment
from rig.ordertraders import Follower
from rig.stack import Stack
from scripts.services import PostgreSQL

pytestmark = pytest.mark.processes
SPEED = 2.0
"""Low, so that a busy machine does not leave the books behind for long after a kill."""
NEWEST = "(SELECT max(id) FROM exchange_execution WHERE fee > 0)"
"""The newest execution that certainly has a ledger entry: makers may pay nothing."""
DAMAGES = {
    "commands that nobody executed": "UPDATE exchange_command SET done = false",
    "commands that were not answered at one moment": "DELETE FROM exchange_orderevent",
    "executions whose ledger entries differ from them": f"""
        UPDATE exchange_execution SET fee = fee + 1 WHERE id = {NEWEST}""",
    "ledger entries without an execution": f"""
        DELETE FROM exchange_execution WHERE id = {NEWEST}""",
    "balances that are not the sum of their ledger": """
        UPDATE exchange_account SET balance = balance + 1""",
    "positions that are not the sum of their executions": f"""
        UPDATE exchange_execution SET lots = lots + 1 WHERE id = {NEWEST}""",
    "orders that differ from their executions": f"""
        UPDATE exchange_execution SET ticks = ticks + 1 WHERE id = {NEWEST}""",
    "executions whose trade differs from them": f"""
        UPDATE exchange_execution SET trade_seq = trade_seq + 1000000 WHERE id = {NEWEST}""",
}
"""SQL that breaks each rule which the database itself does not enforce."""


def test_no_order_is_lost_or_repeated_whichever_service_is_killed(postgresql: PostgreSQL) -> None:
    chance = random.Random(4)
    with Stack(SYMBOLS, SPEED, webs=1, postgresql=postgresql) as stack:
        services = ["simulation", "PostgreSQL", "web 1"]
        trial = torment(stack, services, chance, accounts=2)
        assert trial.complaints == [], stack.written()
        assert set(trial.recoveries) == set(services)
        for rule, damage in DAMAGES.items():
            assert rule in broken_after(stack.env["DATABASE_URL"], damage)
    unique = {rule for rule in RULES if rule.startswith("client ids")}
    assert set(DAMAGES) | unique == set(RULES)


def broken_after(url: str, damage: str) -> str:
    """Return which rules a damage breaks; undo it."""
    with psycopg.connect(url) as connection:
        connection.execute(damage)
        found = " ".join(broken_rules(connection))
        connection.rollback()
    return found


def test_follower_notes_missing_and_repeated_rows() -> None:
    follower = Follower([1], Credentials("a", "k", "s"), random.Random(1))
    for seq in (1, 2, 2, 4):
        follower._take({"topic": "orders", "type": "orders", "data": [[seq]]})
    follower._take({"topic": "orders", "type": "gap", "from_seq": 5, "to_seq": 6})
    assert len(follower.complaints) == 3
