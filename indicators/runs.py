"""Long computations: a measure over every window of a span, in chunks computed once each."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Count, F, Sum
from django.utils import timezone

from indicators import costs
from indicators.catalogue import CATALOGUE, Indicator, Value, parameters_key
from indicators.estimate import IntArray
from indicators.grids import Grid, grid_between, known_at, window_ends
from indicators.models import ComputationRun, Reading, RunChunk
from indicators.readers import READERS, newest_points, points_between
from indicators.readings import keep
from indicators.windows import Points
from instruments.models import Instrument
from market.times import from_microseconds

State = ComputationRun.State
OPEN_STATES = (State.QUEUED, State.RUNNING)


class RunRefusedError(ValueError):
    """No window ends in the span."""


def plan_run(
    *,
    indicator: str,
    instrument: Instrument,
    start: datetime,
    end: datetime,
    parameters: Mapping[str, Value],
    step: int,
) -> ComputationRun:
    """Store a run; raise RunRefusedError where no window ends in the span. Reads no prices."""
    n, reads = int(parameters["n"] or 0), CATALOGUE[indicator].reads
    grid = grid_between(instrument, reads, n, step, start, end)
    if grid.size == 0:
        raise RunRefusedError(
            f"no window of {n} {reads} of {instrument.symbol} ends from {start.isoformat()} to "
            f"{end.isoformat()} at a multiple of step {step}"
        )
    chunk_windows = costs.chunk_windows(indicator, parameters, step)
    return ComputationRun.objects.create(
        indicator=indicator,
        instrument=instrument,
        start=start,
        end=end,
        step=step,
        parameters=parameters_key(parameters),
        first=grid.first,
        last=grid.last,
        chunk_windows=chunk_windows,
        chunk_count=-(-grid.size // chunk_windows),
    )


def compute_chunk(run_id: uuid.UUID, index: int) -> bool:
    """Compute and store one chunk unless it is stored; return whether the run is still open."""
    run = ComputationRun.objects.select_related("instrument").get(pk=run_id)
    if not run.is_open:
        return False
    if not run.chunks.filter(index=index).exists():
        ComputationRun.objects.filter(pk=run_id, state=State.QUEUED).update(state=State.RUNNING)
        _store_chunk(run, index, chunk_readings(run, index))
    return not settle(run_id)


def settle(run_id: uuid.UUID) -> bool:
    """Close a run whose chunks are all done; return whether it was closed.

    A repeated delivery of a chunk does this too: the first worker may have died before it.
    """
    closed = _open(run_id).filter(chunks_done__gte=F("chunk_count"))
    return bool(closed.update(state=State.DONE, finished_at=timezone.now()))


def _store_chunk(run: ComputationRun, index: int, readings: Sequence[Reading]) -> None:
    """Store the readings of a chunk and count them, unless another worker has done so."""
    with transaction.atomic():
        _, is_new = RunChunk.objects.get_or_create(
            run=run, index=index, defaults={"readings": len(readings)}
        )
        if not is_new:
            return
        keep(readings)
        stored = _stored(readings)
        ComputationRun.objects.filter(pk=run.pk).update(
            chunks_done=F("chunks_done") + 1,
            readings=F("readings") + stored["readings"],
            values=F("values") + stored["values"],
            value_sum=F("value_sum") + (stored["value_sum"] or 0.0),
        )


def _stored(readings: Sequence[Reading]) -> dict[str, Any]:
    """Count the readings stored in this span: an earlier run may have stored other values."""
    if not readings:
        return {"readings": 0, "values": 0, "value_sum": 0.0}
    first, last = readings[0], readings[-1]
    series = Reading.objects.of(first.instrument, first.indicator, first.parameters, first.step)
    span = series.filter(window_end__gte=first.window_end, window_end__lte=last.window_end)
    return span.order_by().aggregate(
        readings=Count("id"), values=Count("value"), value_sum=Sum("value")
    )


def chunk_readings(run: ComputationRun, index: int) -> list[Reading]:
    """Return the readings of all windows of a chunk."""
    indicator = CATALOGUE[run.indicator]
    parameters = stored_parameters(run)
    n = int(parameters["n"] or 0)
    grid = Grid(run.first, run.last, run.step).part(index, run.chunk_windows)
    points = _points(run.instrument, indicator.reads, n, grid)
    ends = window_ends(points, indicator.reads, n, grid)
    if ends.size == 0:
        return []
    values, valid = roll(indicator, points, ends, parameters, run.step)
    low, high = indicator.band(parameters) or (None, None)
    first_seq, last_seq = points.first_seq[ends - (n - 1)], points.last_seq[ends]
    reader = READERS[indicator.reads]
    columns = (
        points.known_at[ends].tolist(),
        values.tolist(),
        valid.tolist(),
        reader.truths([(indicator, parameters)], run.instrument, first_seq, last_seq)[0],
    )
    return [
        Reading(
            indicator=run.indicator,
            instrument=run.instrument,
            parameters=run.parameters,
            step=run.step,
            window_end=from_microseconds(end),
            value=value if is_valid else None,
            reason="" if is_valid else "too little varies in this window",
            null_low=low,
            null_high=high,
            truth=true,
        )
        for end, value, is_valid, true in zip(*columns, strict=True)
    ]


def roll(
    indicator: Indicator,
    points: Points,
    ends: IntArray,
    parameters: Mapping[str, Value],
    step: int,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return value and validity of the windows that end with the points `ends`.

    Minutes without a close leave some windows nearer than `step` points: each stretch of equal
    distances is measured at once.
    """
    n = int(parameters["n"] or 0)
    stretches = np.split(ends, np.flatnonzero(np.diff(ends) != step) + 1)
    rolled = [
        indicator.roll(points.values[part[0] - (n - 1) : part[-1] + 1], parameters, step)
        for part in stretches
    ]
    return (
        np.concatenate([part.values for part in rolled]),
        np.concatenate([part.valid for part in rolled]),
    )


def _points(instrument: Instrument, reads: str, n: int, grid: Grid) -> Points:
    """Return the points from the first window's first to the last window's last."""
    start, end = (known_at(instrument, reads, at) for at in (grid.first, grid.last))
    lead = newest_points(instrument, reads, n - 1, start - 1)
    rest = points_between(instrument, reads, start, end + 1)
    return Points(*(np.concatenate(pair) for pair in zip(lead, rest, strict=True)))


def stored_parameters(run: ComputationRun) -> dict[str, Value]:
    return json.loads(run.parameters)  # type: ignore[no-any-return]  # an object, as stored


def done_chunks(run_id: uuid.UUID) -> set[int]:
    return set(RunChunk.objects.filter(run=run_id).values_list("index", flat=True))


def cancel(run: ComputationRun) -> None:
    """Cancel an open run; chunks that have started finish and are kept."""
    _open(run.pk).update(state=State.CANCELLED, finished_at=timezone.now())


def fail(run_id: uuid.UUID, error: str) -> None:
    _open(run_id).update(state=State.FAILED, error=error[:500], finished_at=timezone.now())


def open_runs() -> list[uuid.UUID]:
    """Return the runs that are not finished, the oldest first."""
    found = ComputationRun.objects.filter(state__in=OPEN_STATES).order_by("created_at")
    return list(found.values_list("pk", flat=True))


def _open(run_id: uuid.UUID) -> Any:
    return ComputationRun.objects.filter(pk=run_id, state__in=OPEN_STATES)


def progress(run: ComputationRun) -> dict[str, Any]:
    """Return the progress of a run, and its result once it is done. Runs no query."""
    done = run.state == State.DONE
    return {
        "progress": run.progress,
        "result": {"readings": run.readings, "mean": run.mean} if done else None,
    }
