"""Celery tasks. A task may be delivered twice; its result is stored once."""

import uuid
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import InterfaceError, OperationalError

from indicators import runs
from indicators.catalogue import CATALOGUE
from indicators.models import ComputationRun
from indicators.publications import publish
from indicators.readings import kept, measure, reading, reading_publication, scan_market
from instruments.models import Instrument
from web.taskqueue import app

LANES = 64
"""Chunks of a run that wait in the broker or are computed at a time, however long the run is."""
# The broker redelivers the task of a killed worker; database errors are retried.
RELIABLY: dict[str, Any] = {
    "acks_late": True,
    "reject_on_worker_lost": True,
    "autoretry_for": (OperationalError, InterfaceError),
    "retry_backoff": True,
    "retry_backoff_max": 30,
    "max_retries": None,
    "soft_time_limit": settings.TASK_TIME_LIMIT_S,
    "time_limit": settings.TASK_TIME_LIMIT_S * 5 // 4 + 1,  # kills a task that ignores the first
}


@app.task(name="indicators.reading", **RELIABLY)
def compute_reading(name: str, symbol: str, given: dict[str, Any], until: int | None = None) -> Any:
    """Measure one window, store and publish it; return its value."""
    indicator = CATALOGUE[name]
    instrument = Instrument.objects.get(symbol=symbol)
    parameters = indicator.read(given)
    found = measure(indicator, instrument, parameters, until)
    if found.window_end is None:
        return None
    made = reading(indicator, instrument, parameters, found)
    (stored,) = kept([made])
    publish([reading_publication(stored)])
    return stored.value


@app.task(name="indicators.scan", **RELIABLY)
def scan() -> int:
    """Measure everything at its defaults; return how many readings."""
    return scan_market(Instrument.objects.order_by("pk"), publish)


@app.task(name="indicators.run", **RELIABLY)
def compute_run(run_id: str) -> None:
    """Start a run: LANES chunks at once; each is followed by the next of its lane."""
    run = ComputationRun.objects.get(pk=run_id)
    for index in range(min(LANES, run.chunk_count)):
        compute_chunk.delay(run_id, index)


@app.task(name="indicators.chunk", **RELIABLY)
def compute_chunk(run_id: str, index: int) -> None:
    try:
        is_open = runs.compute_chunk(uuid.UUID(run_id), index)
    except (OperationalError, InterfaceError):
        raise
    except SoftTimeLimitExceeded:
        limit = settings.TASK_TIME_LIMIT_S
        runs.fail(uuid.UUID(run_id), f"chunk {index} took longer than TASK_TIME_LIMIT_S = {limit}")
        raise
    except Exception as error:
        runs.fail(uuid.UUID(run_id), f"{type(error).__name__}: {error}")
        raise
    following = index + LANES
    if is_open and following < ComputationRun.objects.get(pk=run_id).chunk_count:
        compute_chunk.delay(run_id, following)
