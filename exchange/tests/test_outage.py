"""An exchange whose database is unavailable waits, and then continues where it was."""

import time
from typing import Any

import numpy as np
import pytest
from django.db import OperationalError, connection

from exchange.accounts.opening import open_account
from exchange.flow.market import BookMarket
from exchange.kinds import BLOCKS, CHECKPOINTS, MONEY_UNITS, TRADES
from exchange.running.commandqueue import CommandQueue
from exchange.running.exchangethread import ExchangeThread
from exchange.running.extension import prepared
from exchange.tests.driving import SEED, listed, place, rows
from instruments.models import Instrument
from journal.intake import Intake
from journal.journal import Journal
from quotes.law.simulation import Simulation
from quotes.lawruns import RunOptions, continue_history
from rig.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

QUEUE_RECORDS = 60


def unavailable(*_: Any) -> None:
    raise OperationalError("the database is away")


def drain(intake: Intake, journal: Journal) -> None:
    for bundle in intake.take(QUEUE_RECORDS, 0.05):
        journal.append(bundle)


def trades_stored(intake: Intake, journal: Journal, instrument: Instrument) -> int:
    """Store what waits; return how many trades are stored."""
    drain(intake, journal)
    return len(rows(TRADES, instrument))


def is_still(intake: Intake) -> bool:
    """Whether records wait and no source adds any: all of them are blocked."""
    waiting = len(intake)
    time.sleep(0.2)
    return 0 < waiting == len(intake)


def test_full_intake_blocks_the_exchange_and_loses_nothing() -> None:
    es, intake = listed("ES"), Intake(QUEUE_RECORDS)
    with Journal([es]) as journal:
        start = continue_history(journal, es.pk, RunOptions(seed=SEED), None)
        simulation = Simulation([start], 200.0)
        make = prepared(journal, simulation, {}, time.monotonic)
        exchange = ExchangeThread(lambda put: make(put))
        simulation.start(intake.put)
        exchange.start(intake.put)
        try:
            wait_until(lambda: is_still(intake), "sources that are blocked")
            wait_until(lambda: trades_stored(intake, journal, es) > 500, "further trades")
        finally:
            intake.close()
            exchange.stop()
            simulation.stop()
        assert exchange.error is None
        drain(intake, journal)
    trades = rows(TRADES, es)
    prescribed = BookMarket.open(start).run_slots(int(trades["slot"][-1])).trades
    assert np.array_equal(trades, prescribed[: len(trades)])


def test_stop_puts_a_checkpoint_before_the_intake_closes() -> None:
    es, intake = listed("ES"), Intake(100_000)
    with Journal([es]) as journal:
        start = continue_history(journal, es.pk, RunOptions(seed=SEED), None)
        simulation = Simulation([start], 50.0)
        make = prepared(journal, simulation, {}, time.monotonic)
        exchange = ExchangeThread(lambda put: make(put))
        simulation.start(intake.put)
        exchange.start(intake.put)
        wait_until(lambda: trades_stored(intake, journal, es) > 50, "trades")
        exchange.finish()
        intake.close()
        exchange.stop()
        simulation.stop()
        while not intake.is_drained:
            drain(intake, journal)
    newest, block = rows(CHECKPOINTS, es)[-1], rows(BLOCKS, es)[-1]
    assert newest["block_seq"] == block["seq"]
    assert not exchange.is_running


def test_commands_are_found_after_an_outage() -> None:
    es = listed("ES")
    account = open_account(name="a", balance=1_000 * MONEY_UNITS)
    queue = CommandQueue()
    command = place(account, es, lots=1)
    with connection.execute_wrapper(unavailable):
        assert queue.poll() == []
        assert queue.is_unavailable
    assert [found.id for found in queue.poll()] == [command.pk]
    assert queue.poll() == []  # until its result is committed
    assert not queue.is_unavailable
