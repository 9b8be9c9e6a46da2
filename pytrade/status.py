"""The parts of the system and how they are, for the status page."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY

from indicators.models import ComputationRun, Reading
from journal.leases import is_alive
from journal.models import Lease
from pytrade import __version__
from pytrade.celery import app
from pytrade.health import ask_layer, missing_migrations
from quotes.http.summaries import Summary, summaries

State = Literal["ok", "warning", "failed", "off"]
LATE_S, REPLAYED_S = 10.0, 86_400.0
"""A driven instrument whose newest tick is older has a problem; far older, it is a replay."""
LATE_READINGS = timedelta(minutes=5)
PING_WORKERS_S = 0.3
STARTED = time.time()


@dataclass(frozen=True)
class Part:
    name: str
    state: State
    detail: str


@dataclass(frozen=True)
class Source:
    """One instrument: who drives it, and its newest tick."""

    symbol: str
    state: State
    holder: str
    last_seq: int
    age_s: float | None


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    try:
        found = sources()
    except DatabaseError:
        found = []
    listed = list(parts(found))
    context = {
        "parts": listed,
        "sources": found,
        "version": __version__,
        "failing": [part.name for part in listed if part.state == "failed"],
        "warning": [part.name for part in listed if part.state == "warning"],
    }
    return render(request, "status.html", context)


def parts(found: list[Source]) -> Iterator[Part]:
    yield web()
    yield checked("Database", database)
    yield checked("Channel layer", layer)
    yield checked("Market", lambda: market(found))
    yield checked("Workers", workers)
    yield checked("Readings", readings)
    yield checked("Computations", computations)


def checked(name: str, look: Callable[[], tuple[State, str]]) -> Part:
    """Return what `look` finds; whatever it raises is the part's failure, told in one line."""
    try:
        return Part(name, *look())
    except Exception as error:  # of any client library
        return Part(name, "failed", f"{type(error).__name__}: {' '.join(str(error).split())}")


def web() -> Part:
    up = timedelta(seconds=int(time.time() - STARTED))
    sockets = int(REGISTRY.get_sample_value("pytrade_sockets") or 0)
    return Part("Web process", "ok", f"up for {up}, {sockets} open sockets")


def database() -> tuple[State, str]:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    took = (time.perf_counter() - started) * 1000
    if missing := missing_migrations():
        return "failed", f"run manage.py migrate, missing: {', '.join(missing)}"
    return "ok", f"{connection.display_name}, answers in {took:.1f} ms"


def layer() -> tuple[State, str]:
    started = time.perf_counter()
    async_to_sync(ask_layer)()
    took = (time.perf_counter() - started) * 1000
    kind = "Redis" if settings.REDIS_URL else "in memory of one process"
    return "ok", f"{kind}, answers in {took:.1f} ms"


def sources() -> list[Source]:
    leases = {
        lease.instrument.symbol: lease for lease in Lease.objects.select_related("instrument")
    }
    return [source(summary, leases.get(summary["symbol"])) for summary in summaries()]


def source(summary: Summary, lease: Lease | None) -> Source:
    now = timezone.now()
    age_s = None
    if summary["last_at"] is not None:  # simulated time may be ahead by a part of a second
        age_s = max(0.0, now.timestamp() - summary["last_at"] / 1000)
    state: State = "off"
    holder = ""
    if lease is not None and is_alive(lease, now, timedelta(seconds=settings.LEASE_TTL_S)):
        state = "warning" if age_s is None or LATE_S < age_s < REPLAYED_S else "ok"
        holder = lease.holder.rsplit(":", 1)[0]
    return Source(summary["symbol"], state, holder, summary["last_seq"], age_s)


def market(found: list[Source]) -> tuple[State, str]:
    driven = [source for source in found if source.state != "off"]
    late = [source.symbol for source in driven if source.state == "warning"]
    if not driven:
        return "off", "nobody drives an instrument: start manage.py runsim"
    if late:
        return "warning", f"no tick for {LATE_S:.0f} s: {', '.join(late)}"
    return "ok", f"{len(driven)} of {len(found)} instruments are driven, ticks are fresh"


def workers() -> tuple[State, str]:
    if settings.CELERY_TASK_ALWAYS_EAGER:
        return "ok", "none needed: tasks run beside the market"
    answers = app.control.ping(timeout=PING_WORKERS_S)
    if not answers:
        return "warning", "no Celery worker answers"
    return "ok", f"{len(answers)} Celery workers answer"


def readings() -> tuple[State, str]:
    newest = Reading.objects.aggregate(newest=Max("window_end"))["newest"]
    if newest is None:
        return "off", "none yet: a live market makes one a minute"
    age = timezone.now() - newest
    text = f"the newest is of {newest:%Y-%m-%d %H:%M} UTC"
    return ("ok" if age < LATE_READINGS else "warning"), text


def computations() -> tuple[State, str]:
    counted = dict(
        ComputationRun.objects.order_by().values_list("state").annotate(count=Count("id"))
    )
    waiting = counted.get("queued", 0) + counted.get("running", 0)
    return "ok", f"{waiting} open, {counted.get('done', 0)} done, {counted.get('failed', 0)} failed"
