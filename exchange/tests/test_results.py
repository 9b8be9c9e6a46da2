"""Doors that wait for commands."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from exchange.accounts import notices, submission
from exchange.accounts.answers import Answer, parsed
from exchange.accounts.notices import Listener
from exchange.accounts.results import Results
from exchange.accounts.waking import commands_arrived
from exchange.clearing.commands import CommandKind
from exchange.clearing.orders import Cause
from exchange.models import Account, Command
from exchange.running.commandqueue import NOTIFIED_POLL_S, CommandQueue
from exchange.tests.clients import funded
from exchange.tests.driving import WallClock
from rig.waiting import PATIENCE_S, wait_until

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

    def wait(key: int) -> Answer | None:
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
    assert found == [Answer(Cause.CANCELLED.value, None)] * DOORS


def test_command_that_nobody_executes_is_not_found() -> None:
    assert Results().wait(cancel_all(funded()).pk, 0.05) is None


@pytest.mark.postgresql
def test_answers_are_told_to_other_processes_when_they_are_committed() -> None:
    answers = {key: Answer(Cause.FILLED.value, {"filled": key, "at": 2**60}) for key in range(100)}
    heard: dict[int, Answer] = {}
    everything = threading.Event()

    def take(text: str) -> None:
        heard.update(parsed(text))
        if len(heard) == len(answers):
            everything.set()

    listener = Listener(notices.ANSWERS, take)
    listener.start()
    try:
        wait_until(lambda: listener.is_listening, "listening")
        with transaction.atomic():
            notices.send(answers)
            assert not heard
        assert everything.wait(PATIENCE_S)
    finally:
        listener.stop()
    assert heard == answers


@pytest.mark.postgresql
def test_listener_returns_after_its_connection_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "RETRY_S", 0.02)
    everything = threading.Event()

    def is_heard() -> bool:
        notices.announce_commands()
        return everything.is_set()

    listener = Listener(notices.COMMANDS, lambda text: everything.set())
    listener.start()
    try:
        wait_until(lambda: listener.is_listening, "listening")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        wait_until(is_heard, "an announcement")
    finally:
        listener.stop()


@pytest.mark.postgresql
def test_listener_goes_on_after_a_notification_that_it_cannot_take(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "RETRY_S", 0.02)
    taken = threading.Event()

    def take(text: str) -> None:
        if text == "garbage":
            raise ValueError(text)
        taken.set()

    def is_taken() -> bool:
        notices.notify(notices.ANSWERS, "good")
        return taken.is_set()

    listener = Listener(notices.ANSWERS, take)
    listener.start()
    try:
        wait_until(lambda: listener.is_listening, "listening")
        notices.notify(notices.ANSWERS, "garbage")
        wait_until(is_taken, "good")
    finally:
        listener.stop()
    assert "a notification could not be taken" in caplog.text


def test_queue_that_is_notified_reads_when_a_command_arrives_and_at_times() -> None:
    clock = WallClock()
    queue = CommandQueue(is_notified=lambda: True, clock=clock)
    commands_arrived.clear()
    account = funded()

    def found() -> list[int]:
        return [command.id for command in queue.poll()]

    before = cancel_all(account)
    assert found() == [before.pk]
    announced = cancel_all(account)
    assert found() == []
    commands_arrived.set()
    assert found() == [announced.pk]
    lost = cancel_all(account)  # its notification does not arrive
    assert found() == []
    clock.now += NOTIFIED_POLL_S
    assert found() == [lost.pk]


@pytest.mark.postgresql
def test_submitted_command_is_announced_to_the_exchange() -> None:
    arrived = threading.Event()
    listener = Listener(notices.COMMANDS, lambda text: arrived.set())
    listener.start()
    try:
        wait_until(lambda: listener.is_listening, "listening")
        submission.cancel_all(submission.Sender(account=funded()))
        assert arrived.wait(PATIENCE_S)
    finally:
        listener.stop()
