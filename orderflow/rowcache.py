"""Rows of closed clusters, cached in stretches.

A cached stretch is never believed: each row carries the mark of its cluster and counts only if the
database has the same mark. A restored database, an old cache or none at all therefore give the same
rows, and what is missing is computed.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, pairwise
from typing import Final, NamedTuple

import numpy as np
import structlog
from django.conf import settings
from django.core.cache import caches
from django.db import OperationalError

from archive.selections import Span
from instruments.models import Instrument
from market.timeframes import MICROSECONDS, TIMEFRAMES
from orderflow import metrics
from orderflow.clusters import Integers, group_bounds, in_steps
from orderflow.rowtexts import RowTexts, row_texts
from orderflow.stepping import AUTO, steps_of
from orderflow.stored import Marked, marked_clusters
from web.rediserrors import redis_error

logger = structlog.get_logger(__name__)

CANDLES: Final = 64
"""Candle lengths of a stretch."""
NAMES: Final = {seconds: name for name, seconds in TIMEFRAMES.items()}
PARTS: Final = 5
"""Parts of a packed stretch; those of earlier versions had fewer."""
RETRY_S: Final = 5.0
"""After a failure of the cache, requests do without it for so long."""


class Found(NamedTuple):
    """The JSON rows of closed clusters.

    `next_step`: of the candle after them, if it is in the block of the last; AUTO if unknown.
    """

    texts: list[bytes]
    next_step: int


class Stretch(NamedTuple):
    """The rows of closed clusters, ascending, all of one step or each of its automatic one.

    `next_step`: of the candle after them, if it is in the block of the last; AUTO if unknown.
    """

    opened: Integers
    marks: Integers
    texts: RowTexts
    next_step: int

    def find(self, opened: Integers, marks: Integers) -> Found | None:
        """Return the rows of these clusters; None unless all are here, with these marks."""
        places = self.opened.searchsorted(opened)
        if places[-1] >= len(self.opened) or (self.opened[places] != opened).any():
            return None
        if (self.marks[places] != marks).any():
            return None
        is_end = places[-1] + 1 == len(self.opened)
        return Found(self.texts.at(places), self.next_step if is_end else AUTO)

    def packed(self) -> tuple[bytes, ...]:
        arrays = (self.opened, self.marks, self.texts.ends, np.array([self.next_step]))
        return (*(array.tobytes() for array in arrays), self.texts.text)

    @classmethod
    def unpacked(cls, packed: tuple[bytes, ...]) -> "Stretch":
        opened, marks, ends, step = (np.frombuffer(each, np.int64) for each in packed[:-1])
        return cls(opened, marks, RowTexts(packed[-1], ends), int(step[0]))


class Cache:
    """The cache of Django called "clusters"; while it fails, it is empty."""

    def __init__(self) -> None:
        self._unavailable_until = float("-inf")

    def get(self, keys: Iterable[str]) -> dict[str, Stretch]:
        if time.monotonic() < self._unavailable_until:
            return {}
        try:
            found = caches["clusters"].get_many(keys)
        except (OSError, redis_error()) as error:
            self._failed(error)
            return {}
        whole = {key: packed for key, packed in found.items() if len(packed) == PARTS}
        return {key: Stretch.unpacked(packed) for key, packed in whole.items()}

    def set(self, stretches: Mapping[str, Stretch]) -> None:
        if not stretches or time.monotonic() < self._unavailable_until:
            return
        packed = {key: stretch.packed() for key, stretch in stretches.items()}
        try:
            caches["clusters"].set_many(packed, settings.FOOTPRINT_CACHE_S)
        except (OSError, redis_error()) as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        metrics.CACHE_ERRORS.inc()
        logger.warning("cache of clusters unavailable", error=str(error).strip())
        self._unavailable_until = time.monotonic() + RETRY_S


cache = Cache()


class Wanted(NamedTuple):
    """Closed clusters whose rows are wanted, ascending, with their marks; `step` may be AUTO."""

    opened: Integers
    marks: Integers
    step: int


def rows(instrument: Instrument, timeframe_s: int, wanted: Wanted) -> Found:
    """Return the JSON rows of closed clusters.

    Raise OperationalError if the history is replaced while it is read.
    """
    length = CANDLES * timeframe_s * MICROSECONDS
    places = by_stretch(wanted.opened, length)
    step = "auto" if wanted.step == AUTO else wanted.step
    prefix = f"clusters:{instrument.symbol}:{NAMES[timeframe_s]}:{step}"
    keys = {number: f"{prefix}:{number * length // 1000}" for number in places}
    cached = cache.get(keys.values())
    found: dict[int, Found] = {}
    for number, part in places.items():
        stretch = cached.get(keys[number])
        part_found = stretch and stretch.find(wanted.opened[part], wanted.marks[part])
        if part_found is not None:
            found[number] = part_found
    metrics.CACHED.labels("hit").inc(len(found))
    metrics.CACHED.labels("miss").inc(len(places) - len(found))
    missing = [number for number in places if number not in found]
    made = computed(instrument, timeframe_s, wanted.step, missing)
    cache.set({keys[number]: stretch for number, stretch in made.items()})
    for number, stretch in made.items():
        part_found = stretch.find(wanted.opened[places[number]], wanted.marks[places[number]])
        if part_found is None:
            raise OperationalError("the history was replaced while it was read")
        found[number] = part_found
    ascending = [found[number] for number in places]
    texts = list(chain.from_iterable(each.texts for each in ascending))
    return Found(texts, ascending[-1].next_step if ascending else AUTO)


def by_stretch(opened: Integers, length: int) -> dict[int, slice]:
    """Return the places of ascending clusters by the number of their stretch."""
    if not len(opened):
        return {}
    numbers = opened // length
    bounds = group_bounds(numbers)
    parts = (slice(first, end) for first, end in pairwise(bounds.tolist()))
    return dict(zip(numbers[bounds[:-1]].tolist(), parts, strict=True))


def computed(
    instrument: Instrument, timeframe_s: int, step: int, numbers: list[int]
) -> dict[int, Stretch]:
    """Return whole stretches by their numbers."""
    length = CANDLES * timeframe_s * MICROSECONDS
    made: dict[int, Stretch] = {}
    for run in runs(numbers):
        span = Span(run.start * length, run.stop * length)
        stored = marked_clusters(instrument, timeframe_s, span)
        steps = steps_of(instrument, timeframe_s, step, stored.clusters)
        shown = in_steps(stored.clusters, steps[:-1])
        texts = row_texts(shown, steps[:-1], instrument.lattice)
        made |= cut(stored, texts, steps, run, length)
    return made


def runs(numbers: Iterable[int]) -> list[range]:
    """Return numbers as ascending ranges of consecutive ones."""
    found: list[range] = []
    for number in sorted(numbers):
        if found and found[-1].stop == number:
            found[-1] = range(found[-1].start, number + 1)
        else:
            found.append(range(number, number + 1))
    return found


def cut(
    stored: Marked, texts: RowTexts, steps: Integers, run: range, length: int
) -> Iterator[tuple[int, Stretch]]:
    """Yield consecutive stretches by number; `steps`: as of `steps_of`."""
    opened = stored.clusters["opened_at"]
    bounds = opened.searchsorted([number * length for number in (*run, run.stop)]).tolist()
    for number, (begin, stop) in zip(run, pairwise(bounds), strict=True):
        part = texts.part(begin, stop)
        marks = stored.marks[begin:stop]
        yield number, Stretch(opened[begin:stop], marks, part, int(steps[stop]))
