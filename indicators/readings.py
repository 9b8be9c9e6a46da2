"""Making readings: measure, store once, publish what is stored."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from indicators.catalogue import CATALOGUE, Indicator, Value, parameters_key
from indicators.estimate import Estimate
from indicators.models import Reading
from indicators.readers import READERS, newest_window, truths_of
from indicators.scanning import scan
from indicators.windows import Window
from instruments.models import Instrument
from live.frames import Publication, publication
from market.times import from_microseconds, to_microseconds

Publish = Callable[[list[Publication]], None]


class Measured(NamedTuple):
    """An estimate with the window it is of; `window_end` is None where there were no points."""

    estimate: Estimate
    window_end: int | None
    truth: float | None


def measure(
    indicator: Indicator,
    instrument: Instrument,
    parameters: Mapping[str, Value],
    until: int | None = None,
) -> Measured:
    """Measure the newest window known at `until` (microseconds; None: now)."""
    window = newest_window(instrument, indicator.reads, int(parameters["n"] or 0), until)
    if window is None:
        return Measured(indicator.measure([], parameters), None, None)
    estimate = indicator.measure(window.values, parameters)
    (truth,) = truths_of([(indicator, parameters)], instrument, window)
    return Measured(estimate, window.known_at, truth)


def reading(
    indicator: Indicator, instrument: Instrument, parameters: Mapping[str, Value], found: Measured
) -> Reading:
    """Return the row for a measured window."""
    low, high = found.estimate.interval or (None, None)
    null_low, null_high = indicator.null_band_of(found.estimate) or (None, None)
    return Reading(
        indicator=indicator.name,
        instrument=instrument,
        parameters=parameters_key(parameters),
        window_end=from_microseconds(found.window_end or 0),
        value=found.estimate.value,
        reason=(found.estimate.reason or "")[:200],
        low=low,
        high=high,
        null_low=null_low,
        null_high=null_high,
        truth=found.truth,
    )


def keep(readings: Sequence[Reading]) -> None:
    """Store readings; one that is already stored is not changed."""
    Reading.objects.bulk_create(readings, batch_size=1_000, ignore_conflicts=True)


def kept(readings: Sequence[Reading]) -> list[Reading]:
    """Store readings; return the stored ones, which another process may have made first."""
    keep(readings)
    stored = Reading.objects.filter(
        instrument__in={reading.instrument_id for reading in readings},
        indicator__in={reading.indicator for reading in readings},
        parameters__in={reading.parameters for reading in readings},
        window_end__in={reading.window_end for reading in readings},
    ).select_related("instrument")
    by_key = {_key(reading): reading for reading in stored}
    return [by_key[_key(reading)] for reading in readings]


def _key(reading: Reading) -> tuple[int, str, str, int, datetime]:
    """Return the unique key of a reading."""
    return (
        reading.instrument_id,
        reading.indicator,
        reading.parameters,
        reading.step,
        reading.window_end,
    )


def reading_publication(reading: Reading) -> Publication:
    """Return the publication of a reading, for subscribers of its topic."""
    return publication(
        {
            "topic": f"indicators.{reading.indicator}.{reading.instrument.symbol}",
            "type": "reading",
            "data": {
                "window_end": to_microseconds(reading.window_end) // 1000,
                "value": reading.value,
                "reason": reading.reason or None,
                "interval": pair(reading.low, reading.high),
                "null_band": pair(reading.null_low, reading.null_high),
                "truth": reading.truth,
            },
        }
    )


def pair(low: float | None, high: float | None) -> list[float] | None:
    return None if low is None or high is None else [low, high]


def scan_market(instruments: Iterable[Instrument], publish: Publish) -> int:
    """Measure every indicator at its defaults for every instrument; return how many readings."""
    readings: list[Reading] = []
    listed = list(instruments)
    for (reads, n), indicators in _by_window():
        defaults = [indicator.read({}) for indicator in indicators]
        reader = READERS[reads]
        asked = [instrument for instrument in listed if instrument.has_book or not reader.of_books]
        read = ((instrument, newest_window(instrument, reads, n, None)) for instrument in asked)
        found = [(instrument, window) for instrument, window in read if window is not None]
        windows = [window for _, window in found]
        together = n if reader.are_numbers else None
        estimates = _estimates(windows, indicators, defaults, together)
        measures = list(zip(indicators, defaults, strict=True))
        for (instrument, window), row in zip(found, estimates, strict=True):
            truths = truths_of(measures, instrument, window)
            for measured, estimate, truth in zip(measures, row, truths, strict=True):
                one = Measured(estimate, window.known_at, truth)
                readings.append(reading(measured[0], instrument, measured[1], one))
    publish([reading_publication(one) for one in kept(readings)])
    return len(readings)


def _by_window() -> list[tuple[tuple[str, int], list[Indicator]]]:
    """Return the default windows (closes first) with the indicators that read them."""
    windows: dict[tuple[str, int], list[Indicator]] = {}
    for indicator in CATALOGUE.values():
        key = (indicator.reads, int(indicator.read({})["n"] or 0))
        windows.setdefault(key, []).append(indicator)
    return sorted(windows.items(), key=lambda item: item[0])


def _estimates(
    windows: Sequence[Window],
    indicators: Sequence[Indicator],
    defaults: Sequence[Mapping[str, Value]],
    n: int | None,
) -> list[list[Estimate]]:
    """Measure the windows of `n` numbers together, the others one by one."""
    full = [index for index, window in enumerate(windows) if len(window.values) == n]
    wanted: list[tuple[str, dict[str, Any]]] = [
        (indicator.name, {name: value for name, value in parameters.items() if name != "n"})
        for indicator, parameters in zip(indicators, defaults, strict=True)
    ]
    together = {}
    if full:
        matrix = np.array([windows[index].values for index in full], dtype=np.float64)
        together = dict(zip(full, scan(matrix, wanted), strict=True))
    return [
        together.get(index)
        or [
            indicator.measure(window.values, parameters)
            for indicator, parameters in zip(indicators, defaults, strict=True)
        ]
        for index, window in enumerate(windows)
    ]
