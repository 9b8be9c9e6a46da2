"""Liveness, readiness and metrics of this process."""

import asyncio
import time

import prometheus_client
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge

from quotes.http.summaries import summaries
from web.problems import problem

LAYER_TIMEOUT_S = 2.0


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process runs; depends on nothing else."""
    return JsonResponse({"status": "live"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when database, migrations and channel layer are ready, else 503 with reasons."""
    reasons = unready()
    if reasons:
        return problem(503, "; ".join(f"{what}: {why}" for what, why in reasons.items()), reasons)
    return JsonResponse({"status": "ready"})


def unready() -> dict[str, str]:
    """Return why this process cannot serve: component -> reason."""
    reasons = {}
    try:
        if missing := missing_migrations():
            reasons["migrations"] = f"run manage.py migrate, missing: {', '.join(missing)}"
    except (DatabaseError, OSError) as error:
        reasons["database"] = " ".join(str(error).split())
    try:
        async_to_sync(ask_layer)()
    except Exception as error:  # of any client library
        reasons["layer"] = f"{type(error).__name__}: {error}"
    return reasons


def missing_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


async def ask_layer() -> None:
    """Send one message to an empty group; raise where it cannot be sent."""
    async with asyncio.timeout(LAYER_TIMEOUT_S):
        await get_channel_layer().group_send("readyz", {"type": "readyz"})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus' text format: metrics of this process and of the recorded market."""
    market = CollectorRegistry()
    seq = Gauge("pytrade_last_seq", "Newest recorded seq.", ["symbol"], registry=market)
    age = Gauge(
        "pytrade_last_quote_age_seconds", "Age of the newest quote.", ["symbol"], registry=market
    )
    now = time.time()
    for summary in summaries():
        seq.labels(summary["symbol"]).set(summary["last_seq"])
        if summary["last_at"] is not None:
            age.labels(summary["symbol"]).set(now - summary["last_at"] / 1000)
    body = prometheus_client.generate_latest() + prometheus_client.generate_latest(market)
    return HttpResponse(body, content_type=prometheus_client.CONTENT_TYPE_LATEST)
