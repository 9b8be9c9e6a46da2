"""Long computations: a measure over every window of a span, in chunks that are done once."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Avg, Count, Q, Sum
from django.utils import timezone

from indicators.catalogue import CATALOGUE, Indicator, Value, parameters_key
from indicators.models import ComputationRun, Reading, RunChunk
from indicators.readings import keep
from indicators.windows import Points, Truth, newest_points, points_between
from instruments.models import Instrument
from market.times import from_microseconds, to_microseconds

CHUNK_WINDOWS = 5_000
MOST_WINDOWS = 10_000
"""That one request may ask for."""

State = ComputationRun.State
OPEN_STATES = (State.QUEUED, State.RUNNING)


class RunRefusedError(ValueError):
    """The span holds nothing to compute."""


def plan_run(
    *,
    indicator: str,
    instrument: Instrument,
    start: datetime,
    end: datetime,
    parameters: Mapping[str, Value],
    step: int,
) -> ComputationRun:
    """Store a run and its chunks; raise RunRefusedError where no window ends in the span."""
    ends = window_ends(indicator, instrument, start, end, parameters, step)
    with transaction.atomic():
        run = ComputationRun.objects.create(
            indicator=indicator,
            instrument=instrument,
            start=start,
            end=end,
            step=step,
            parameters=parameters_key(parameters),
        )
        parts = [ends[at : at + CHUNK_WINDOWS] for at in range(0, len(ends), CHUNK_WINDOWS)]
        RunChunk.objects.bulk_create(
            RunChunk(
                run=run,
                index=index,
                first_end=from_microseconds(int(part[0])),
                last_end=from_microseconds(int(part[-1])),
            )
            for index, part in enumerate(parts)
        )
    return run


def window_ends(
    indicator: str,
    instrument: Instrument,
    start: datetime,
    end: datetime,
    parameters: Mapping[str, Value],
    step: int,
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return when the windows of the span end (microseconds)."""
    n = int(parameters["n"] or 0)
    reads = CATALOGUE[indicator].reads
    begin = to_microseconds(start)
    before = len(newest_points(instrument, reads, n - 1, begin - 1))
    points = points_between(instrument, reads, begin, to_microseconds(end))
    ends = points.known_at[max(0, n - 1 - before) :: step]
    if ends.size == 0:
        raise RunRefusedError(
            f"no window of {n} {reads} of {instrument.symbol} ends from {start.isoformat()} to "
            f"{end.isoformat()}: {before + len(points)} are stored"
        )
    return ends


def compute_chunk(run_id: uuid.UUID, index: int) -> None:
    """Compute and store one chunk, unless that is done or nobody wants it any more."""
    chunk = RunChunk.objects.select_related("run__instrument").get(run=run_id, index=index)
    if chunk.done_at is None and chunk.run.is_open:
        ComputationRun.objects.filter(pk=run_id, state=State.QUEUED).update(state=State.RUNNING)
        readings = chunk_readings(chunk)
        with transaction.atomic():
            keep(readings)
            RunChunk.objects.filter(pk=chunk.pk).update(
                done_at=timezone.now(), readings=len(readings)
            )
    settle(run_id)


def settle(run_id: uuid.UUID) -> None:
    """Close a run whose chunks are all done.

    Who comes back to a chunk does it too: its worker may have died between the chunk and this.
    """
    if not RunChunk.objects.filter(run=run_id, done_at=None).exists():
        _close(run_id, State.DONE)


def chunk_readings(chunk: RunChunk) -> list[Reading]:
    """Return the readings of all windows of a chunk."""
    run = chunk.run
    indicator = CATALOGUE[run.indicator]
    parameters = stored_parameters(run)
    points = _points_of(chunk, indicator.reads, int(parameters["n"] or 0))
    rolled = indicator.roll(points.prices, parameters, run.step)
    low, high = indicator.band(parameters) or (None, None)
    first_seq = points.first_seq[rolled.ends - rolled.window]
    last_seq = points.last_seq[rolled.ends - 1]
    truth = Truth(run.instrument, int(first_seq[0]), int(last_seq[-1]))
    columns = (
        points.known_at[rolled.ends - 1].tolist(),
        rolled.values.tolist(),
        rolled.valid.tolist(),
        truth.mean_phi(first_seq, last_seq),
    )
    return [
        Reading(
            indicator=run.indicator,
            instrument=run.instrument,
            parameters=run.parameters,
            window_end=from_microseconds(end),
            value=value if valid else None,
            reason="" if valid else "too little varies in this window",
            null_low=low,
            null_high=high,
            truth=phi,
        )
        for end, value, valid, phi in zip(*columns, strict=True)
    ]


def rolling_rows(
    indicator: Indicator,
    instrument: Instrument,
    parameters: Mapping[str, Value],
    step: int,
    start: int | None,
    end: int | None,
) -> list[tuple[int, float | None, float | None]]:
    """Return (window end in epoch ms, value, mean phi) of the windows that end in a span.

    The newest MOST_WINDOWS of them. Raises RefusedError where there is no whole window.
    """
    n = int(parameters["n"] or 0)
    until = None if end is None else end - 1
    points = newest_points(instrument, indicator.reads, n + MOST_WINDOWS * step, until)
    if start is not None:
        skipped = int(np.searchsorted(points.known_at, start))
        points = Points(*(column[max(0, skipped - n + 1) :] for column in points))
    # The last window ends with the last point: the grid is fixed there.
    offset = (len(points) - n) % step if len(points) >= n else 0
    points = Points(*(column[offset:] for column in points))
    rolled = indicator.roll(points.prices, parameters, step)
    first_seq = points.first_seq[rolled.ends - rolled.window]
    last_seq = points.last_seq[rolled.ends - 1]
    truth = Truth(instrument, int(first_seq[0]), int(last_seq[-1]))
    columns = (
        (points.known_at[rolled.ends - 1] // 1000).tolist(),
        rolled.values.tolist(),
        rolled.valid.tolist(),
        truth.mean_phi(first_seq, last_seq),
    )
    return [
        (at, value if valid else None, phi) for at, value, valid, phi in zip(*columns, strict=True)
    ][-MOST_WINDOWS:]


def _points_of(chunk: RunChunk, reads: str, n: int) -> Points:
    """Return the points from the first window's first to the last window's last."""
    first_end = to_microseconds(chunk.first_end)
    lead = newest_points(chunk.run.instrument, reads, n - 1, first_end - 1)
    rest = points_between(
        chunk.run.instrument, reads, first_end, to_microseconds(chunk.last_end) + 1
    )
    return Points(*(np.concatenate(pair) for pair in zip(lead, rest, strict=True)))


def stored_parameters(run: ComputationRun) -> dict[str, Value]:
    return json.loads(run.parameters)  # type: ignore[no-any-return]


def cancel(run: ComputationRun) -> None:
    """End a run that is still open; chunks that have begun finish and are kept."""
    _close(run.pk, State.CANCELLED)


def fail(run_id: uuid.UUID, error: str) -> None:
    _close(run_id, State.FAILED, error[:500])


def open_runs() -> list[uuid.UUID]:
    """Return the runs that are not finished, the oldest first."""
    found = ComputationRun.objects.filter(state__in=OPEN_STATES).order_by("created_at")
    return list(found.values_list("pk", flat=True))


def _close(run_id: uuid.UUID, state: State, error: str = "") -> None:
    ComputationRun.objects.filter(pk=run_id, state__in=OPEN_STATES).update(
        state=state, error=error, finished_at=timezone.now()
    )


def progress(run: ComputationRun) -> dict[str, Any]:
    """Return how far a run is, and what came out where it is done."""
    chunks = run.chunks.aggregate(
        total=Count("id"), done=Count("id", filter=Q(done_at__isnull=False)), made=Sum("readings")
    )
    result = None
    if run.state == State.DONE:
        found = Reading.objects.of(run.instrument, run.indicator, run.parameters).between(
            run.start, run.end
        )
        result = found.order_by().aggregate(readings=Count("id"), mean=Avg("value"))
    total = chunks["total"] or 0
    return {"progress": chunks["done"] / total if total else 0.0, "result": result}
