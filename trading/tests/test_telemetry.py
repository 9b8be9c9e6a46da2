"""Spans reach an exporter with the trace id of orders and logs; stages are measured."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from exchange.models import Account
from exchange.tests.clients import funded, listed
from exchange.tests.trading import Exchange
from instruments.models import Instrument
from trading import telemetry, tracing
from trading.models import AuditEntry, Bot, BotOrder
from trading.roles import TRADERS
from trading.tests.running import running_exchange, wanted_bot

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_log"),
]
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def spans(settings: Any, monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:9"
    monkeypatch.setattr(telemetry, "provider", lambda: provider)
    return exporter


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


@pytest.fixture
def held(es: Instrument) -> Iterator[tuple[Exchange, Account]]:
    account = funded()
    with running_exchange(es) as exchange:
        yield exchange, account


def test_a_request_its_order_and_its_spans_are_one_trace(
    held: tuple[Exchange, Account], spans: InMemorySpanExporter
) -> None:
    user = User.objects.create_user("trader")
    user.groups.add(Group.objects.get_or_create(name=TRADERS)[0])
    bot = wanted_bot(held[1])
    Bot.objects.update(owner=user, is_wanted=False)
    client = Client()
    client.force_login(user)
    header = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    body = json.dumps({"bot": bot.pk})
    path = "/api/v1/trading/recovery/"
    answer = client.post(path, body, "application/json", headers=header)
    assert answer.status_code == 200
    assert AuditEntry.objects.get(action="recover").trace_id == TRACE
    found = {each.name: each for each in spans.get_finished_spans()}
    assert {each.context.trace_id for each in found.values()} == {int(TRACE, 16)}
    request, asked = found["POST /api/v1/trading/recovery/"], found["exchange account"]
    assert asked.parent is not None
    assert asked.parent.span_id == request.context.span_id
    assert not BotOrder.objects.exists()


def test_stages_are_measured_without_an_exporter() -> None:
    labels = {"venue": "moon", "stage": "place"}
    with tracing.stage("moon", "place"):
        assert tracing.trace_id()
    assert REGISTRY.get_sample_value("trading_stage_seconds_count", labels) == 1


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", ""),
        ("00-short-1-01", ""),
        ("", ""),
    ],
)
def test_the_trace_of_a_request_is_that_of_its_header(header: str, found: str) -> None:
    assert tracing.trace_of(header) == found
