"""Export of spans by OpenTelemetry, loaded only where a setting asks for it.

A span belongs to the trace whose id logs, orders and audit entries carry.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags


@cache
def provider() -> TracerProvider:
    """Return what sends spans to the collector of the settings."""
    found = TracerProvider(resource=Resource.create({SERVICE_NAME: "pytrade"}))
    endpoint = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    found.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    return found


@contextmanager
def span(name: str, trace_id: str, attributes: dict[str, str]) -> Iterator[None]:
    """Record a block as a span of a trace: within the present span, or as its first."""
    context = None
    if not trace.get_current_span().get_span_context().is_valid:
        root = SpanContext(
            trace_id=int(trace_id, 16),
            span_id=secrets.randbits(64) or 1,
            is_remote=True,
            trace_flags=TraceFlags(TraceFlags.SAMPLED),
        )
        context = trace.set_span_in_context(NonRecordingSpan(root))
    tracer = provider().get_tracer("trading")
    with tracer.start_as_current_span(name, context, attributes=attributes):
        yield
