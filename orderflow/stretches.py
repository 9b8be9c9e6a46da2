"""Rows of closed clusters, cached in stretches.

A cached stretch is never believed: each row carries the mark of its cluster and counts only if the
database has the same mark. A restored database, an old cache or none at all therefore give the same
rows, and what is missing is computed.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import structlog
from django.conf import settings
from django.core.cache import caches
from django.db import OperationalError
from redis.exceptions import RedisError

from archive.selections import Span
from instruments.lattice import Lattice
from instruments.models import Instrument
from market.timeframes import MICROSECONDS, TIMEFRAMES
from orderflow import metrics
from orderflow.clusters import Integers, in_steps
from orderflow.rowtexts import RowTexts, row_texts
from orderflow.stored import Marked, marked_clusters

logger = structlog.get_logger(__name__)

CANDLES: Final = 64
"""Candle lengths of a stretch."""
NAMES: Final = {seconds: name for name, seconds in TIMEFRAMES.items()}
UNAVAILABLE: Final = (RedisError, OSError)
RETRY_S: Final = 5.0
"""After a failure of the cache, requests do without it for so long."""


class Stretch(NamedTuple):
    """The rows of closed clusters of one step, ascending."""

    opened: Integers
    marks: Integers
    texts: RowTexts

    def find(self, opened: Integers, marks: Integers) -> list[bytes] | None:
        """Return the rows of these clusters; None unless all are here, with these marks."""
        places = self.opened.searchsorted(opened)
        if len(opened) and places[-1] >= len(self.opened):
            return None
        if not np.array_equal(self.opened[places], opened):
            return None
        if not np.array_equal(self.marks[places], marks):
            return None
        return self.texts.at(places)

    def packed(self) -> tuple[bytes, ...]:
        arrays = (self.opened, self.marks, self.texts.ends)
        return (*(array.tobytes() for array in arrays), self.texts.text)

    @classmethod
    def unpacked(cls, packed: tuple[bytes, ...]) -> "Stretch":
        opened, marks, ends = (np.frombuffer(each, np.int64) for each in packed[:3])
        return cls(opened, marks, RowTexts(packed[3], ends))


class Cache:
    """The cache of Django called "clusters"; while it fails, it is empty."""

    def __init__(self) -> None:
        self._unavailable_until = float("-inf")

    def get(self, keys: Iterable[str]) -> dict[str, Stretch]:
        if time.monotonic() < self._unavailable_until:
            return {}
        try:
            found = caches["clusters"].get_many(keys)
        except UNAVAILABLE as error:
            self._failed(error)
            return {}
        return {key: Stretch.unpacked(packed) for key, packed in found.items()}

    def set(self, stretches: Mapping[str, Stretch]) -> None:
        if not stretches or time.monotonic() < self._unavailable_until:
            return
        packed = {key: stretch.packed() for key, stretch in stretches.items()}
        try:
            caches["clusters"].set_many(packed, settings.FOOTPRINT_CACHE_S)
        except UNAVAILABLE as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        metrics.CACHE_ERRORS.inc()
        logger.warning("cache of clusters unavailable", error=str(error).strip())
        self._unavailable_until = time.monotonic() + RETRY_S


cache = Cache()


class Wanted(NamedTuple):
    """Closed clusters whose rows are wanted, ascending, with their marks and steps."""

    opened: Integers
    marks: Integers
    steps: Integers


def rows(instrument: Instrument, timeframe_s: int, wanted: Wanted) -> list[bytes]:
    """Return the JSON rows of closed clusters.

    Raise OperationalError if the history is replaced while it is read.
    """
    length = CANDLES * timeframe_s * MICROSECONDS
    groups = grouped(wanted, length)
    prefix = f"clusters:{instrument.symbol}:{NAMES[timeframe_s]}"
    keys = {group: f"{prefix}:{group[0]}:{group[1] * length // 1000}" for group in groups}
    cached = cache.get(keys.values())
    found: dict[tuple[int, int], list[bytes]] = {}
    for group, places in groups.items():
        stretch = cached.get(keys[group])
        texts = stretch and stretch.find(wanted.opened[places], wanted.marks[places])
        metrics.CACHED.labels("miss" if texts is None else "hit").inc()
        if texts is not None:
            found[group] = texts
    missing = [group for group in groups if group not in found]
    made = computed(instrument, timeframe_s, missing, length)
    cache.set({keys[group]: stretch for group, stretch in made.items()})
    for group, stretch in made.items():
        places = groups[group]
        texts = stretch.find(wanted.opened[places], wanted.marks[places])
        if texts is None:
            raise OperationalError("the history was replaced while it was read")
        found[group] = texts
    return ordered(groups, found, len(wanted.opened))


def grouped(wanted: Wanted, length: int) -> dict[tuple[int, int], Integers]:
    """Return the places of clusters by step and stretch."""
    groups: dict[tuple[int, int], Integers] = {}
    numbers = wanted.opened // length
    for step in np.unique(wanted.steps).tolist():
        for number in np.unique(numbers[wanted.steps == step]).tolist():
            groups[step, number] = np.flatnonzero((wanted.steps == step) & (numbers == number))
    return groups


def ordered(
    groups: Mapping[tuple[int, int], Integers],
    found: Mapping[tuple[int, int], list[bytes]],
    count: int,
) -> list[bytes]:
    texts = [b""] * count
    for group, places in groups.items():
        for place, text in zip(places.tolist(), found[group], strict=True):
            texts[place] = text
    return texts


def computed(
    instrument: Instrument, timeframe_s: int, groups: list[tuple[int, int]], length: int
) -> dict[tuple[int, int], Stretch]:
    """Return whole stretches, each named by its step and number."""
    made: dict[tuple[int, int], Stretch] = {}
    for run in runs({number for _, number in groups}):
        span = Span(run.start * length, run.stop * length)
        stored = marked_clusters(instrument, timeframe_s, span)
        for step in {step for step, number in groups if number in run}:
            own = runs({number for each, number in groups if each == step and number in run})
            for part in own:
                found = cut(stored, part, length, step, instrument.lattice)
                made |= {(step, number): stretch for number, stretch in found}
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
    stored: Marked, run: range, length: int, step: int, lattice: Lattice
) -> Iterator[tuple[int, Stretch]]:
    """Yield consecutive stretches of `stored` by number; their texts are written together."""
    opened = stored.clusters["opened_at"]
    bounds = opened.searchsorted([number * length for number in (*run, run.stop)]).tolist()
    first, end = bounds[0], bounds[-1]
    texts = row_texts(in_steps(stored.clusters.part(first, end), step), step, lattice)
    for number, (begin, stop) in zip(run, pairwise(bounds), strict=True):
        part = texts.part(begin - first, stop - first)
        yield number, Stretch(opened[begin:stop], stored.marks[begin:stop], part)
