"""The state of every component, for the status page."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY

from indicators.laboratory import newest_end
from indicators.models import ComputationRun
from indicators.runs import OPEN_STATES
from journal.leases import is_alive
from journal.models import Lease
from pytrade import __version__
from pytrade.health import ask_layer, missing_migrations
from pytrade.idleness import Idleness
from quotes.http.summaries import Summary, summaries
from web.sharedresults import SharedResult

State = Literal["ok", "warning", "failed", "off"]
Ask = Callable[[], tuple[State, str]]
LATE_S, REPLAYED_S = 10.0, 86_400.0
"""A driven instrument without a new tick for so long has a problem; far longer, it is a replay."""
LATE_READINGS = timedelta(minutes=5)
PING_WORKERS_S = 0.3
STARTED = time.time()
idleness = Idleness()


@dataclass(frozen=True)
class Part:
    name: str
    state: State
    detail: str


@dataclass(frozen=True)
class Source:
    """One instrument: the holder of its lease, and its newest tick."""

    symbol: str
    state: State
    holder: str
    last_seq: int
    age_s: float | None


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show the state of every component; all viewers within a second share one check."""
    found, listed = looks.get()
    context = {
        "parts": listed,
        "sources": found,
        "version": __version__,
        "failing": [part.name for part in listed if part.state == "failed"],
        "warning": [part.name for part in listed if part.state == "warning"],
    }
    return render(request, "status.html", context)


def look() -> tuple[list[Source], list[Part]]:
    """Check every component; query a failed database only once."""
    found: list[Source] = []
    of_database = checked("Database", database)
    if of_database.state == "ok":
        try:
            found = sources()
        except DatabaseError as error:
            of_database = Part("Database", "failed", one_line(error))

    def reading(name: str, ask: Ask) -> Part:
        if of_database.state == "ok":
            return checked(name, ask)
        return Part(name, "failed", "unknown while the database is unavailable")

    return found, [
        web(),
        of_database,
        checked("Channel layer", layer),
        reading("Market", lambda: market(found)),
        checked("Workers", workers),
        reading("Readings", readings),
        reading("Computations", computations),
    ]


looks = SharedResult(look, seconds=1.0)


def checked(name: str, ask: Ask) -> Part:
    """Return the result of `ask`; an exception becomes the component's failure, in one line."""
    try:
        return Part(name, *ask())
    except Exception as error:  # of any client library
        return Part(name, "failed", one_line(error))


def one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def web() -> Part:
    up = timedelta(seconds=int(time.time() - STARTED))
    sockets = int(REGISTRY.get_sample_value("pytrade_sockets") or 0)
    return Part("Web process", "ok", f"up for {up}, {sockets} open sockets")


def database() -> tuple[State, str]:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    took = (time.perf_counter() - started) * 1000
    if missing := migrations.get():
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
        state = "warning" if age_s is None or is_late(summary, age_s) else "ok"
        holder = lease.holder.rsplit(":", 1)[0]
    return Source(summary["symbol"], state, holder, summary["last_seq"], age_s)


def is_late(summary: Summary, age_s: float) -> bool:
    idle_s = idleness.seconds(summary["symbol"], summary["last_seq"], age_s)
    return LATE_S < idle_s < REPLAYED_S


def market(found: list[Source]) -> tuple[State, str]:
    driven = [source for source in found if source.state != "off"]
    late = [source.symbol for source in driven if source.state == "warning"]
    if not driven:
        return "off", "no instrument is driven: start manage.py runsim"
    if late:
        return "warning", f"no tick for {LATE_S:.0f} s: {', '.join(late)}"
    return "ok", f"{len(driven)} of {len(found)} instruments are driven, ticks are fresh"


def workers() -> tuple[State, str]:
    if settings.CELERY_TASK_ALWAYS_EAGER:
        return "ok", "none needed: tasks run in the process of the market"
    answering = pings.get()
    if not answering:
        return "warning", "no Celery worker answers"
    return "ok", f"{answering} Celery workers answer"


def ping() -> int:
    """Return how many Celery workers answer."""
    from web.taskqueue import app  # takes long to import

    return len(app.control.ping(timeout=PING_WORKERS_S) or ())


pings = SharedResult(ping, seconds=10.0)
migrations = SharedResult(missing_migrations, seconds=10.0)


def readings() -> tuple[State, str]:
    newest = newest_end()
    if newest is None:
        return "off", "none yet: a live market computes one a minute"
    age = timezone.now() - newest
    text = f"the newest is of {newest:%Y-%m-%d %H:%M} UTC"
    return ("ok" if age < LATE_READINGS else "warning"), text


def computations() -> tuple[State, str]:
    """Count by index look-ups: the number of stored runs does not matter."""
    waiting = ComputationRun.objects.filter(state__in=OPEN_STATES).count()
    failed = ComputationRun.objects.filter(
        state=ComputationRun.State.FAILED, finished_at__gt=timezone.now() - timedelta(days=1)
    )
    return "ok", f"{waiting} open, {failed.count()} failed in the last 24 hours"
