"""Trace ids: one per request or signal, from there to the venue's answer; and its stages.

They are bound to the log context, so that every line on the way carries them. Stages are measured
for the metrics, and exported as spans where OTEL_EXPORTER_OTLP_ENDPOINT names a collector.
"""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from prometheus_client import Histogram
from structlog.contextvars import bound_contextvars, get_contextvars

NAME: Final = "trace"
TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
"""The header of W3C Trace Context."""
SECONDS: Final = Histogram(
    "trading_stage_seconds",
    "Time of one stage of an order, by venue",
    ["venue", "stage"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)


def trace_id() -> str:
    """Return the trace id of the present context, a new one if it has none."""
    known = get_contextvars().get(NAME)
    return str(known) if known else secrets.token_hex(16)


@contextmanager
def traced(known: str = "") -> Iterator[str]:
    """Carry a trace id, by default the present or a new one, through a block."""
    found = known or trace_id()
    with bound_contextvars(**{NAME: found}):
        yield found


def trace_of(header: str) -> str:
    """Return the trace id of a traceparent header, "" if it has none."""
    found = TRACEPARENT.fullmatch(header)
    return found[1] if found and found[1].strip("0") else ""


@contextmanager
def span(name: str, **attributes: str) -> Iterator[None]:
    """Export a block as a span of the present trace, if a setting asks for it."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        yield
        return
    # OpenTelemetry takes a tenth of a second to load, so only those who use it do.
    telemetry: Any = import_module("trading.telemetry")
    with telemetry.span(name, trace_id(), attributes):
        yield


class stage:  # noqa: N801  # used like a function; contextmanager would cost three times as much
    """Measure a stage of an order: the metric trading_stage_seconds, and a span."""

    __slots__ = ("_begun", "_measured", "_span")

    def __init__(self, venue: str, name: str) -> None:
        self._measured = _measured(venue, name)
        self._span: AbstractContextManager[None] | None = None
        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            self._span = span(f"{venue} {name}", venue=venue, stage=name)

    def __enter__(self) -> None:
        self._begun = time.perf_counter()
        if self._span is not None:
            self._span.__enter__()

    def __exit__(self, *error: Any) -> None:
        if self._span is not None:
            self._span.__exit__(*error)
        self._measured.observe(time.perf_counter() - self._begun)


@cache
def _measured(venue: str, name: str) -> Histogram:
    return SECONDS.labels(venue, name)
