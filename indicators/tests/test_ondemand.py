"""Limits on the cost of one anonymous request."""

import re
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from indicators import costs, ondemand
from indicators.catalogue import CATALOGUE, of_prices
from indicators.ondemand import Rolling
from instruments.models import Instrument
from rig.histories import make_instrument, make_ticks, record
from web.clients import ClientGone, client_of_request
from web.concurrency import ConcurrencyLimit

pytestmark = pytest.mark.django_db
API = "/api/v1/indicators/"
SMALL = {"n": 60, "min_points": 50}


@pytest.fixture
def market() -> Instrument:
    """6,000 ticks, 6 seconds apart: 600 minutes."""
    instrument = make_instrument()
    record(make_ticks(instrument, 6_000, interval_s=6), regimes=3)
    return instrument


def refusal(client: Client, path: str, **query: Any) -> str:
    answer = client.get(f"{API}{path}", query)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    return str(answer.json()["detail"])


def test_excessive_work_is_rejected_with_the_limit_and_an_alternative(
    client: Client, market: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "MOST_WORK", 500_000)
    reply = refusal(client, "hurst/ES/rolling/", **SMALL)
    assert "windows would take" in reply
    assert "one request may take 500,000" in reply
    assert "POST /api/v1/indicators/runs/" in reply
    monkeypatch.setattr(costs, "MOST_WORK", 1_000)
    assert "one request may take 1,000" in refusal(client, "hurst/ES/", **SMALL)


def test_too_many_points_are_rejected_before_they_are_read(
    client: Client,
    market: Instrument,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(costs, "MOST_POINTS_READ", 5_000)
    with django_assert_max_num_queries(4) as queries:
        reply = refusal(client, "persistence/ES/rolling/", step=1_000)
    assert reply.startswith("5,500 points would be read, one request may read 5,000")
    assert not [q for q in queries.captured_queries if re.search(r"\b(ticks|close)\b", q["sql"])]


def test_expensive_requests_beyond_the_slots_get_retry_after(
    client: Client, market: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "EXPENSIVE_WORK", 100_000)
    monkeypatch.setattr(ondemand, "slots", ConcurrencyLimit(running=1, waiting=0))
    with ondemand.slots.taken():
        for path in ("hurst/ES/rolling/", "hurst/ES/"):
            answer = client.get(f"{API}{path}", {"n": 500})
            assert (answer.status_code, answer["Retry-After"]) == (503, "2")
            assert "expensive" in answer.json()["detail"]
        assert client.get(f"{API}persistence/ES/", {"n": 100}).status_code == 200
    assert client.get(f"{API}hurst/ES/rolling/", {"n": 500}).status_code == 200


def test_slot_is_awaited_and_released() -> None:
    slots = ConcurrencyLimit(running=1, waiting=1)
    entered = threading.Event()

    def enter() -> None:
        with slots.taken():
            entered.set()

    with ExitStack() as stack:
        stack.enter_context(slots.taken())
        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.is_set()
    assert entered.wait(20)
    thread.join()


class GoneAfter(threading.Event):
    """Is set from the `looks`-th check on."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks <= 0


def test_waiting_for_a_slot_ends_with_the_client() -> None:
    slots = ConcurrencyLimit(running=1, waiting=1)
    with slots.taken(), client_of_request(GoneAfter(2)), pytest.raises(ClientGone), slots.taken():
        raise AssertionError("entered")
    with slots.taken():
        pass


@pytest.mark.parametrize("name", [indicator.name for indicator in of_prices()])
@pytest.mark.parametrize("step", [1, 7])
def test_rows_do_not_depend_on_slices(
    market: Instrument, name: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    indicator = CATALOGUE[name]
    parameters = indicator.read({"n": 520 if name == "hurst" else 100})
    whole = Rolling(indicator, market, parameters, step).rows()
    monkeypatch.setattr(ondemand, "SLICE_WORK", 10 * costs.window_work(name, parameters))
    sliced = Rolling(indicator, market, parameters, step).rows()
    assert len(sliced) == len(whole) > 10
    for found, expected in zip(sliced, whole, strict=True):
        assert found == pytest.approx(expected)


def test_computation_stops_between_slices_when_its_client_disconnects(
    market: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    indicator = CATALOGUE["hurst"]
    monkeypatch.setattr(ondemand, "SLICE_WORK", 1)
    parameters = indicator.read({"n": 520})
    gone = GoneAfter(3)
    with client_of_request(gone), pytest.raises(ClientGone):
        Rolling(indicator, market, parameters).rows()
    assert gone.looks == 0  # of 80 slices
