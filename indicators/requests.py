"""What one request may measure: bounded, few at a time, given up when its client disconnects."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus

import numpy as np
from django.conf import settings
from rest_framework.exceptions import APIException

from indicators import costs
from indicators.catalogue import Indicator, Value
from indicators.costs import Cost
from indicators.estimate import BoolArray, FloatArray, IntArray, RollingEstimate
from indicators.grids import grid_between
from indicators.readings import Measured, measure
from indicators.windows import Points, Truth, newest_points
from instruments.models import Instrument
from market.times import from_microseconds
from web.clients import check_client
from web.slots import Slots

Row = tuple[int, float | None, float | None]

SLICE_WORK = 100_000_000
"""Between two looks at whether the client is still connected: about 0.2 s of CPU."""
slots = Slots(running=max(1, settings.WEB_THREADS // 4), waiting=settings.WEB_THREADS // 4)


class TooExpensive(APIException):  # type: ignore[misc]
    status_code = HTTPStatus.BAD_REQUEST


def estimate_now(
    indicator: Indicator, instrument: Instrument, parameters: Mapping[str, Value]
) -> Measured:
    """Measure the newest window; raise TooExpensive, Busy, ClientGone or ParameterError."""
    with slot_for(costs.cost(indicator.name, parameters)):
        return measure(indicator, instrument, parameters)


def rolling_rows(
    indicator: Indicator,
    instrument: Instrument,
    parameters: Mapping[str, Value],
    step: int,
    start: int | None,
    end: int | None,
) -> list[Row]:
    """Return (window end in epoch ms, value, mean phi) of the windows that end in a span.

    The newest MOST_WINDOWS of them. Raises RefusedError where there is no whole window, and what
    `estimate_now` raises.
    """
    windows = _windows(indicator, instrument, parameters, step, start, end)
    with slot_for(costs.cost(indicator.name, parameters, windows, step)):
        return _rows(indicator, instrument, parameters, step, start, end, windows)


def slot_for(cost: Cost) -> AbstractContextManager[None]:
    """Return a slot where `cost` needs one; raise TooExpensive beyond the limits."""
    if cost.excess:
        raise TooExpensive(
            f"{cost.excess}: narrow start and end, raise step, lower n, or have it computed and "
            "stored with POST /api/v1/indicators/runs/"
        )
    return slots.taken() if cost.is_expensive else nullcontext()


def _windows(
    indicator: Indicator,
    instrument: Instrument,
    parameters: Mapping[str, Value],
    step: int,
    start: int | None,
    end: int | None,
) -> int:
    """Return how many windows the span may have, at least 1, without reading a price."""
    moments = (None if at is None else from_microseconds(at) for at in (start, end))
    grid = grid_between(instrument, indicator.reads, int(parameters["n"] or 0), 1, *moments)
    return max(1, min(costs.MOST_WINDOWS, (grid.size - 1) // step + 1))


def _rows(
    indicator: Indicator,
    instrument: Instrument,
    parameters: Mapping[str, Value],
    step: int,
    start: int | None,
    end: int | None,
    windows: int,
) -> list[Row]:
    n = int(parameters["n"] or 0)
    until = None if end is None else end - 1
    points = newest_points(instrument, indicator.reads, n + (windows - 1) * step, until)
    if start is not None:
        skipped = int(np.searchsorted(points.known_at, start))
        points = Points(*(column[max(0, skipped - n + 1) :] for column in points))
    # The last window ends with the last point: the grid is fixed there.
    offset = (len(points) - n) % step if len(points) >= n else 0
    points = Points(*(column[offset:] for column in points))
    values, valid, ends = _rolled(indicator, points, parameters, step)
    first_seq, last_seq = points.first_seq[ends - n], points.last_seq[ends - 1]
    truth = Truth(instrument, int(first_seq[0]), int(last_seq[-1]))
    columns = (
        (points.known_at[ends - 1] // 1000).tolist(),
        values.tolist(),
        valid.tolist(),
        truth.mean_phi(first_seq, last_seq),
    )
    return [
        (at, value if is_valid else None, phi)
        for at, value, is_valid, phi in zip(*columns, strict=True)
    ]


def _rolled(
    indicator: Indicator, points: Points, parameters: Mapping[str, Value], step: int
) -> tuple[FloatArray, BoolArray, IntArray]:
    """Return values, validity and exclusive ends of all windows, measured slice by slice."""
    n = int(parameters["n"] or 0)
    parts = list(_slices(indicator, points, parameters, step))
    ends = np.arange(sum(part.ends.size for part in parts), dtype=np.int64) * step + n
    return (
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.valid for part in parts]),
        ends,
    )


def _slices(
    indicator: Indicator, points: Points, parameters: Mapping[str, Value], step: int
) -> Iterator[RollingEstimate]:
    n = int(parameters["n"] or 0)
    windows = max(1, (len(points) - n) // step + 1)
    at_once = max(1, SLICE_WORK // max(1, costs.window_work(indicator.name, parameters)))
    for first in range(0, windows, at_once):
        check_client()
        last = min(first + at_once, windows) - 1
        yield indicator.roll(points.prices[first * step : last * step + n], parameters, step)
