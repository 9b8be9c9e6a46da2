"""Doors that wait for commands."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from exchange.accounts.results import Result, Results
from exchange.clearing.commands import CommandKind
from exchange.clearing.orders import Cause
from exchange.models import Account, Command
from exchange.tests.clients import funded
from rig.waiting import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)
DOORS = 4


def cancel_all(account: Account) -> Command:
    return Command.objects.create(
        account=account, kind=CommandKind.CANCEL_ALL.value, received_at=timezone.now()
    )


@pytest.mark.both_databases
def test_one_door_polls_for_all_that_wait() -> None:
    account, results = funded(), Results()
    keys = [cancel_all(account).pk for _ in range(DOORS)]
    together = threading.Event()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if params and set(keys) <= set(params):
            together.set()
        return execute(sql, params, many, context)

    def wait(key: int) -> Result | None:
        try:
            with connection.execute_wrapper(watch):
                return results.wait(key, PATIENCE_S)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(DOORS) as doors:
        waiting = [doors.submit(wait, key) for key in keys]
        assert together.wait(PATIENCE_S)
        for key in reversed(keys):
            Command.objects.filter(pk=key).update(done=True, reason=Cause.CANCELLED.value)
        found = [each.result() for each in waiting]
    assert found == [Result(Cause.CANCELLED.value, None)] * DOORS


def test_command_that_nobody_executes_is_not_found() -> None:
    assert Results().wait(cancel_all(funded()).pk, 0.05) is None
