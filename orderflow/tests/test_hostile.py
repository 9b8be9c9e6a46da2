"""Hostile requests cause no server errors."""

from random import Random
from urllib.parse import quote

import pytest
from django.test import Client

from exchange.tests.recordedmarkets import RecordedMarket
from quotes.tests.hostile import VALUES

pytestmark = pytest.mark.django_db
PATHS = ("footprint/", "footprint/sync/", "profile/", "heatmap/", "depth/")
NAMES = ("start", "end", "limit", "cursor", "timeframe", "format", "step", "held", "columns",
         "depth", "percent", "at", "x")  # fmt: skip
REQUESTS, LONG_REQUESTS = 250, 5_000


def test_hostile_requests_never_cause_server_errors(pytestconfig: pytest.Config) -> None:
    RecordedMarket().record(50)
    client = Client(raise_request_exception=False)
    random = Random(3)
    answered = set()
    for _ in range(LONG_REQUESTS if pytestconfig.getoption("long") else REQUESTS):
        names = random.sample(NAMES, random.randint(0, 4))
        values = [random.choice((*VALUES, "1", "2", "auto", "5", "0-9-0")) for _ in names]
        pairs = (f"{n}={quote(v, safe='')}" for n, v in zip(names, values, strict=True))
        symbol = "ES" if random.random() < 0.9 else quote(random.choice(VALUES), safe="")
        address = f"/api/v1/instruments/{symbol}/{random.choice(PATHS)}?{'&'.join(pairs)}"
        answer = client.get(address)
        assert answer.status_code < 500, address
        answered.add(answer.status_code)
    assert {200, 400, 404} <= answered
