"""Parsing of the time column: one format for all rows, detected from the first one. Pure."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from market.quoting import quoted
from market.times import (
    EARLIEST,
    FIRST_YEAR,
    ISO_8601,
    LAST_YEAR,
    LATEST,
    compact_date,
    parse_iso,
)
from quotes.files.tables import all_match

EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, for fast arithmetic
EPOCH_UNITS: Final = {"epoch-s": 1_000_000, "epoch-ms": 1_000, "epoch-us": 1}
TIME_FORMATS: Final = ("iso", "compact", *EPOCH_UNITS)
SMALLEST_COUNT: Final = 10**8
"""Smaller numbers are read as epochs only with a given format."""
LARGEST_COUNTS: Final = {"epoch-s": 10**11, "epoch-ms": 10**14, "epoch-us": 10**17}
NUMBER: Final = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
PLAIN_COUNT: Final = r"[0-9]{1,18}"
COMPACT_DATES: Final = (
    (19000101, 21001231),
    (1900010100, 2100123123),
    (190001010000, 210012312359),
    (19000101000000, 21001231235959),
)
"""Ranges that contain every number readable as a compact date."""


class TimeFormat(Protocol):
    def read(self, texts: list[str]) -> NDArray[np.int64]:
        """Return microseconds since 1970 UTC, shape (n,); raise ValueError if one is invalid."""

    def read_one(self, text: str) -> int:
        """Return one time; raise ValueError with the value and the reason."""


class Clock:
    """Parses times in one of TIME_FORMATS, detected from the first time unless given.

    Digits that form a compact date are a date. If the first time is one, all others must be too. In
    a column of epochs, a number that is also a compact date is rejected unless the format is given.
    """

    def __init__(self, zone: tzinfo = UTC, time_format: str | None = None) -> None:
        self._zone = zone
        self._format: TimeFormat | None = None
        if time_format is not None:
            self._format = named_format(time_format, zone, given=True)

    def read(self, texts: list[str]) -> NDArray[np.int64]:
        """Return microseconds since 1970 UTC, shape (n,); raise ValueError if one is invalid."""
        at = self._format_from(texts[0]).read(texts)
        if (at < EARLIEST).any() or (at > LATEST).any():
            raise ValueError(f"a time is outside the years {FIRST_YEAR} to {LAST_YEAR}")
        return at

    def read_one(self, text: str) -> int:
        """Return one time; raise ValueError with the value and the reason."""
        if not text:
            raise ValueError("time is empty")
        try:
            at = self._format_from(text).read_one(text)
        except OverflowError:
            at = LATEST + 1
        if not EARLIEST <= at <= LATEST:
            raise ValueError(
                f"time {quoted(text)} is outside the years {FIRST_YEAR} to {LAST_YEAR}"
            )
        return at

    def _format_from(self, text: str) -> TimeFormat:
        if self._format is None:
            self._format = named_format(format_of(text), self._zone, given=False)
        return self._format


def format_of(text: str) -> str:
    """Return which of TIME_FORMATS `text`, the first time of a table, has."""
    if not NUMBER.fullmatch(text):
        return "iso"
    if compact_date(_digits(text)):
        return "compact"
    count = Decimal(text)
    fitting = (name for name, largest in LARGEST_COUNTS.items() if count < largest)
    return next(fitting, "iso") if count >= SMALLEST_COUNT else "iso"


def named_format(name: str, zone: tzinfo, *, given: bool) -> TimeFormat:
    if name == "iso":
        return IsoTimes(zone)
    return CompactTimes(zone, given) if name == "compact" else EpochTimes(name, given)


class IsoTimes:
    """ISO 8601 times; those without an offset are local to `zone`."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def read(self, texts: list[str]) -> NDArray[np.int64]:
        if not all_match(pa.array(texts, pa.string()), ISO_8601):
            raise ValueError("not all times are in ISO 8601")
        times = [datetime.fromisoformat(text) for text in texts]
        if self._zone is not UTC or any(time.tzinfo is not None for time in times):
            times = [in_utc(time, self._zone) for time in times]
        return np.array(times, dtype="datetime64[us]").astype(np.int64)

    def read_one(self, text: str) -> int:
        try:
            time = parse_iso(text)
        except ValueError:
            raise ValueError(
                f"time {quoted(text)} is neither ISO 8601 (2026-01-31T09:30:00Z) nor a count of "
                "seconds, milliseconds or microseconds since 1970"
            ) from None
        return _microseconds(in_utc(time, self._zone))


class CompactTimes:
    """Dates, or dates and times, written as digits alone; local to `zone`."""

    def __init__(self, zone: tzinfo, given: bool) -> None:
        self._zone = zone
        self._hint = _hint("compact", given)

    def read(self, texts: list[str]) -> NDArray[np.int64]:
        return np.array([self.read_one(text) for text in texts], dtype=np.int64)

    def read_one(self, text: str) -> int:
        date = compact_date(_digits(text)) if NUMBER.fullmatch(text) else None
        if date is None:
            raise ValueError(
                f"time {quoted(text)} is not a compact date of the years 1900 to 2100, such as "
                f"20260131 or 202601310930{self._hint}"
            )
        return _microseconds(in_utc(date, self._zone))


class EpochTimes:
    """Seconds, milliseconds or microseconds since 1970 UTC."""

    def __init__(self, name: str, given: bool) -> None:
        self._name = name
        self._unit = EPOCH_UNITS[name]
        self._given = given

    def read(self, texts: list[str]) -> NDArray[np.int64]:
        column = pa.array(texts, pa.string())
        if not all_match(column, PLAIN_COUNT):
            return np.array([self.read_one(text) for text in texts], dtype=np.int64)
        counts: NDArray[np.int64] = column.cast(pa.int64()).to_numpy()
        if counts.max() > LATEST // self._unit:
            raise ValueError(f"a time is after the year {LAST_YEAR}")
        if not self._given and any(_is_compact_date(count) for count in _suspects(counts)):
            raise ValueError("a time is also a compact date")
        return counts * self._unit

    def read_one(self, text: str) -> int:
        if not NUMBER.fullmatch(text):
            raise ValueError(f"time {quoted(text)} is not a number{_hint(self._name, self._given)}")
        count = Decimal(text)
        if not self._given and (date := compact_date(str(int(count)))):
            raise ValueError(
                f"time {text!r} is both a count since 1970 and the date {date}: "
                f"give --time-format {self._name} or --time-format compact"
            )
        return int(count * self._unit)


def in_utc(time: datetime, zone: tzinfo) -> datetime:
    """Return `time` as naive UTC; raise ValueError if it is not a unique local time of `zone`."""
    if time.tzinfo is UTC:
        return time.replace(tzinfo=None)
    if time.tzinfo is not None:
        return time.astimezone(UTC).replace(tzinfo=None)
    local = time.replace(tzinfo=zone)
    offset, later = local.utcoffset(), local.replace(fold=1).utcoffset()
    if offset is None or later is None:
        raise ValueError(f"time '{time}' has no offset in {zone}")
    if offset > later:
        raise ValueError(f"time '{time}' is ambiguous in {zone}: it occurs twice on that day")
    if offset < later:
        raise ValueError(f"time '{time}' does not exist in {zone}: clocks skip it on that day")
    return time - offset


def _microseconds(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


def _digits(number: str) -> str:
    """Return the digits of a whole number, also if written as 20260131.0 or 2.0260131e+07."""
    value = Decimal(number)
    return str(int(value)) if value == int(value) else ""


def _suspects(counts: NDArray[np.int64]) -> list[int]:
    """Return those `counts` that may be compact dates."""
    within = [(counts >= low) & (counts <= high) for low, high in COMPACT_DATES]
    found: list[int] = counts[np.logical_or.reduce(within)].tolist()
    return found


def _is_compact_date(count: int) -> bool:
    return compact_date(str(count)) is not None


def _hint(name: str, given: bool) -> str:
    if given:
        return f" (--time-format {name})"
    return f", the format of the first time ({name}): use --time-format for another format"
