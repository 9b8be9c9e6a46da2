"""The same work for Celery workers: each task may be delivered twice and is kept once."""

import asyncio
import uuid
from typing import Any

from asgiref.sync import async_to_sync
from celery import group, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import InterfaceError, OperationalError

from indicators import runs
from indicators.catalogue import CATALOGUE
from indicators.models import RunChunk
from indicators.readings import keep, measure, reading, scan_market, told
from instruments.models import Instrument
from live.frames import Publication
from live.membership import LAYER_S

# A worker that is killed gives its task back; a database that is away is asked again.
RELIABLY: dict[str, Any] = {
    "acks_late": True,
    "reject_on_worker_lost": True,
    "autoretry_for": (OperationalError, InterfaceError),
    "retry_backoff": True,
    "retry_backoff_max": 30,
    "max_retries": None,
    "soft_time_limit": settings.TASK_TIME_LIMIT_S,
    "time_limit": settings.TASK_TIME_LIMIT_S * 5 // 4 + 1,  # for one that does not hear the first
}


@shared_task(name="indicators.reading", **RELIABLY)
def compute_reading(name: str, symbol: str, given: dict[str, Any], until: int | None = None) -> Any:
    """Measure one window, store and publish it; return its value."""
    indicator = CATALOGUE[name]
    instrument = Instrument.objects.get(symbol=symbol)
    parameters = indicator.read(given)
    found = measure(indicator, instrument, parameters, until)
    if found.window_end is None:
        return None
    made = reading(indicator, instrument, parameters, found)
    keep([made])
    publish([told(made)])
    return made.value


@shared_task(name="indicators.scan", **RELIABLY)
def scan() -> int:
    """Measure everything at its defaults; return how many readings."""
    return scan_market(Instrument.objects.order_by("pk"), publish)


@shared_task(name="indicators.run", **RELIABLY)
def compute_run(run_id: str) -> None:
    """Share a run out: one task per chunk that is not done."""
    group(compute_chunk.si(run_id, index) for index in open_chunks(run_id)).apply_async()
    runs.settle(uuid.UUID(run_id))


def open_chunks(run_id: str) -> list[int]:
    chunks = RunChunk.objects.filter(run=run_id, done_at=None).order_by("index")
    return list(chunks.values_list("index", flat=True))


@shared_task(name="indicators.chunk", **RELIABLY)
def compute_chunk(run_id: str, index: int) -> None:
    try:
        runs.compute_chunk(uuid.UUID(run_id), index)
    except (OperationalError, InterfaceError):
        raise
    except SoftTimeLimitExceeded:
        limit = settings.TASK_TIME_LIMIT_S
        runs.fail(uuid.UUID(run_id), f"chunk {index} took longer than TASK_TIME_LIMIT_S = {limit}")
        raise
    except Exception as error:
        runs.fail(uuid.UUID(run_id), f"{type(error).__name__}: {error}")
        raise


def publish(publications: list[Publication]) -> None:
    """Publish from a process without an event loop of its own; raise one of AWAY."""

    async def send() -> None:
        layer = get_channel_layer()
        for item in publications:
            async with asyncio.timeout(LAYER_S):
                await layer.group_send(item["topic"], item)

    async_to_sync(send)()
