"""Measures on request: bounded, few at a time, cancelled when the client disconnects."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from http import HTTPStatus

import numpy as np
from django.conf import settings
from rest_framework.exceptions import APIException

from indicators import costs
from indicators.catalogue import Indicator, Value
from indicators.costs import Cost
from indicators.estimate import RollingEstimate
from indicators.grids import grid_between
from indicators.readers import READERS, newest_points
from indicators.readings import Measured, measure
from indicators.windows import Points
from instruments.models import Instrument
from market.times import from_microseconds
from web.clients import check_client
from web.concurrency import ConcurrencyLimit

Row = tuple[int, float | None, float | None]

SLICE_WORK = 100_000_000
"""Work between two checks that the client is connected: about 0.2 s of CPU."""
slots = ConcurrencyLimit(
    running=max(1, settings.WEB_THREADS // 4), waiting=settings.WEB_THREADS // 4
)


class TooExpensive(APIException):  # type: ignore[misc]  # REST framework ships no types
    status_code = HTTPStatus.BAD_REQUEST


def estimate_now(
    indicator: Indicator, instrument: Instrument, parameters: Mapping[str, Value]
) -> Measured:
    """Measure the newest window; raise TooExpensive, Busy, ClientGone or ParameterError."""
    with slot_for(costs.cost(indicator.name, parameters)):
        return measure(indicator, instrument, parameters)


def slot_for(cost: Cost) -> AbstractContextManager[None]:
    """Return a slot where `cost` needs one; raise TooExpensive beyond the limits."""
    if cost.excess:
        raise TooExpensive(
            f"{cost.excess}: narrow start and end, raise step, lower n, or start a stored "
            "computation with POST /api/v1/indicators/runs/"
        )
    return slots.taken() if cost.is_expensive else nullcontext()


@dataclass(frozen=True)
class Rolling:
    """A measure over the windows that end at start <= t < end (microseconds), `step` apart."""

    indicator: Indicator
    instrument: Instrument
    parameters: Mapping[str, Value]
    step: int = 1
    start: int | None = None
    end: int | None = None

    @property
    def n(self) -> int:
        return int(self.parameters["n"] or 0)

    def windows(self) -> int:
        """Return how many windows the span may have, at least 1, without reading a price."""
        span = (None if at is None else from_microseconds(at) for at in (self.start, self.end))
        grid = grid_between(self.instrument, self.indicator.reads, self.n, 1, *span)
        return max(1, min(costs.MOST_WINDOWS, (grid.size - 1) // self.step + 1))

    def rows(self) -> list[Row]:
        """Return (window end in epoch ms, value, truth) of the newest MOST_WINDOWS windows.

        Raise RefusedError where there is no whole window, and what `estimate_now` raises.
        """
        windows = self.windows()
        with slot_for(costs.cost(self.indicator.name, self.parameters, windows, self.step)):
            return self._measure(windows)

    def _measure(self, windows: int) -> list[Row]:
        points = self._points(windows)
        rolled = list(self._slices(points))
        values = np.concatenate([part.values for part in rolled])
        valid = np.concatenate([part.valid for part in rolled])
        last = np.arange(values.size, dtype=np.int64) * self.step + self.n - 1
        first_seq, last_seq = points.first_seq[last - (self.n - 1)], points.last_seq[last]
        measures = [(self.indicator, self.parameters)]
        reader = READERS[self.indicator.reads]
        columns = (
            (points.known_at[last] // 1000).tolist(),
            values.tolist(),
            valid.tolist(),
            reader.truths(measures, self.instrument, first_seq, last_seq)[0],
        )
        return [
            (at, value if is_valid else None, true)
            for at, value, is_valid, true in zip(*columns, strict=True)
        ]

    def _points(self, windows: int) -> Points:
        """Return the points of the windows; the last window ends with the last point."""
        until = None if self.end is None else self.end - 1
        count = self.n + (windows - 1) * self.step
        points = newest_points(self.instrument, self.indicator.reads, count, until)
        if self.start is not None:
            skipped = int(np.searchsorted(points.known_at, self.start))
            points = points.since(max(0, skipped - self.n + 1))
        return points.since((len(points) - self.n) % self.step if len(points) >= self.n else 0)

    def _slices(self, points: Points) -> Iterator[RollingEstimate]:
        """Measure slice by slice; raise ClientGone once the client has disconnected."""
        windows = max(1, (len(points) - self.n) // self.step + 1)
        window_work = costs.window_work(self.indicator.name, self.parameters)
        at_once = max(1, SLICE_WORK // max(1, window_work))
        for first in range(0, windows, at_once):
            check_client()
            last = min(first + at_once, windows) - 1
            values = points.values[first * self.step : last * self.step + self.n]
            yield self.indicator.roll(values, self.parameters, self.step)
