"""A market with books and orders survives kill -9: nothing is lost, repeated or changed."""

import json
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from rig.databases import seeded_database_url
from rig.processes import audit, environment, manage, running
from rig.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.processes

KILLS, LONG_KILLS = 2, 20
RUN = ("runsim", "--instruments", "ES", "--seed", "5", "--speed", "60", "--episodes", "all")
ORDERS = """
from exchange.kinds import MONEY_UNITS
from exchange.matching import BUY, SELL
from exchange.accounts.opening import open_account
from exchange.tests.driving import place
from instruments.models import Instrument

es = Instrument.objects.get(symbol="ES")
account = open_account(name="a", balance=10_000_000 * MONEY_UNITS)
for distance in range(1, 16):
    place(account, es, 2, 20_000 - distance)
    place(account, es, 2, 20_000 + distance, SELL)
place(account, es, 5)
"""
STATE = """
SELECT (SELECT COUNT(*) FROM exchange_trade), (SELECT COUNT(*) FROM exchange_command WHERE done)
"""
COMMANDS = 31


def state(database: Path) -> tuple[int, int]:
    """Return the numbers of recorded trades and of commands that are done."""
    with sqlite3.connect(database) as connection:
        found: tuple[int, int] = connection.execute(STATE).fetchone()
    return found


def has_reached(database: Path, trades: int) -> bool:
    """Return whether there are so many trades, and all commands are done."""
    found, done = state(database)
    return found >= trades and done == COMMANDS


def test_killed_exchange_loses_and_repeats_nothing(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = seeded_database_url(tmp_path)
    env, database = environment(url), Path(url.removeprefix("sqlite:///"))
    manage("shell", "-v0", "-c", ORDERS, env=env)
    chance = random.Random(3)
    for _ in range(LONG_KILLS if request.config.getoption("long") else KILLS):
        further = state(database)[0] + 20
        with running(*RUN, env=env) as process:
            wait_until(lambda: has_reached(database, further), "trades and answers")  # noqa: B023
            time.sleep(chance.uniform(0, 0.5))
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE_S)
    report = audit(env)
    assert report["ok"], json.dumps(report["violations"])
    assert report["executions"] > 0
    assert report["messages"] >= COMMANDS
