"""Operations are carried out once."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from trading import operations
from trading.models import IdempotencyRecord
from trading.operations import OtherParametersError, StillRunningError, forget_expired, once
from trading.tests.bots import NOW

ASKED: dict[str, Any] = {
    "scope": "bot:1",
    "operation": "place",
    "parameters": {"symbol": "ES", "lots": 1},
}


class Counting:
    """An operation that counts how often it is carried out."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self) -> dict[str, int]:
        with self._lock:
            self.count += 1
            return {"answer": self.count}


def at(later: timedelta) -> Any:
    def clock() -> datetime:
        return NOW + later

    return clock


@pytest.mark.django_db
def test_a_repeat_gets_the_first_result() -> None:
    work = Counting()
    assert once(**ASKED, carry_out=work, key="k") == {"answer": 1}
    assert once(**ASKED, carry_out=work, key="k") == {"answer": 1}
    assert once(**ASKED, carry_out=work, key="other") == {"answer": 2}
    assert once(**ASKED | {"scope": "bot:2"}, carry_out=work, key="k") == {"answer": 3}


@pytest.mark.django_db
def test_without_a_key_equal_parameters_are_the_same_operation() -> None:
    work = Counting()
    reordered = {"lots": 1, "symbol": "ES"}
    assert once(**ASKED, carry_out=work) == once(
        **ASKED | {"parameters": reordered}, carry_out=work
    )
    once(**ASKED | {"parameters": {"symbol": "ES", "lots": 2}}, carry_out=work)
    assert work.count == 2


@pytest.mark.django_db
def test_a_key_names_one_request_only() -> None:
    work = Counting()
    once(**ASKED, carry_out=work, key="k")
    with pytest.raises(OtherParametersError, match="key 'k' named another operation"):
        once(**ASKED | {"parameters": {"symbol": "NQ"}}, carry_out=work, key="k")
    assert work.count == 1


@pytest.mark.django_db
def test_a_result_is_forgotten_after_an_hour() -> None:
    work = Counting()
    once(**ASKED, carry_out=work, clock=at(timedelta()))
    once(**ASKED, carry_out=work, clock=at(timedelta(minutes=59)))
    assert work.count == 1
    once(**ASKED, carry_out=work, clock=at(timedelta(minutes=61)))
    assert work.count == 2
    assert forget_expired(NOW + timedelta(minutes=122)) == 1
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.django_db
def test_an_error_is_no_result() -> None:
    def fail() -> None:
        raise ConnectionError("venue unavailable")

    with pytest.raises(ConnectionError):
        once(**ASKED, carry_out=fail)
    assert once(**ASKED, carry_out=Counting()) == {"answer": 1}


@pytest.mark.django_db
def test_the_claim_of_a_dead_process_expires() -> None:
    work = Counting()
    operations._claimed("bot:1", "k", operations.digest_of("place", {}), NOW)  # and dies
    asked = ASKED | {"parameters": {}}
    with pytest.raises(StillRunningError):
        once(**asked, carry_out=work, key="k", wait_s=0, clock=at(timedelta(seconds=29)))
    result = once(**asked, carry_out=work, key="k", clock=at(timedelta(seconds=31)))
    assert (result, work.count) == ({"answer": 1}, 1)


@pytest.mark.django_db(transaction=True)
def test_concurrent_repeats_get_the_first_result() -> None:
    work, results = Counting(), []

    def ask() -> None:
        results.append(once(**ASKED, carry_out=work, key="k", wait_s=60))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [{"answer": 1}] * 6
    assert work.count == 1
