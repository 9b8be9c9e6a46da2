"""The API holds what its OpenAPI schema says, whatever schemathesis thinks of asking."""

from collections.abc import Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings

from pytrade.wsgi import application
from quotes.tests.factories import make_instrument, make_ticks, record

pytestmark = pytest.mark.django_db
HISTORY = "/api/v1/instruments/"
READS = [
    HISTORY,
    "/api/v1/indicators/{name}/{symbol}/",
    "/api/v1/indicators/{name}/{symbol}/series/",
    *(HISTORY + "{symbol}/" + table for table in ("", "quotes/", "candles/", "regimes/")),
]


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Keep the connection of the test: what it stored is in its transaction."""
    signals = request_started, request_finished
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("path", READS)
def test_the_api_is_as_its_schema_says(path: str, mode: schemathesis.GenerationMode) -> None:
    record(make_ticks(make_instrument(), 300), regimes=3)
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    operation = schema[path]["GET"]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=30,
        deadline=1_000,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate()

    ask()
