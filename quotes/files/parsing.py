"""What the text of a table means: exact ticks, exact moments, in ascending order."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from instruments.lattice import Lattice, OffLatticeError
from quotes.files.tables import Block, Table, TableError

LARGEST_TICKS = 2**53  # beyond it no float names the price
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the naive twin of UTC
LATEST = 7_258_118_400_000_000
EPOCH_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))  # s, ms, us by magnitude
PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
EPOCH_NUMBER = re.compile(r"[0-9]{9,19}(\.[0-9]+)?|[0-9]\.[0-9]+[eE]\+?[0-9]+", re.ASCII)


class Readings(NamedTuple):
    """Validated rows, shape (n,) each: lines of the table, microseconds since 1970 UTC, ticks.

    `skipped` rows before or among them had the time of the row before.
    """

    lines: NDArray[np.int64]
    at: NDArray[np.int64]
    ticks: NDArray[np.int64]
    skipped: int


def readings(
    table: Table, lattice: Lattice, zone: tzinfo = UTC, skip_duplicates: bool = False
) -> Iterator[Readings]:
    """Yield the rows of `table` in blocks; raise TableError at the first row that is wrong.

    Times without an offset are local in `zone`. Equal times are wrong unless skipped.
    """
    clock = Clock(zone)
    last_at, last_line = None, 0
    for block in table.blocks():
        try:
            at = clock.read(block.times)
            ticks = read_prices(block.prices, lattice)
        except _BadRowError:
            at, ticks = _read_one_by_one(block, table.unit, clock, lattice)
        lines = np.array(block.lines, dtype=np.int64)
        steps = np.diff(at, prepend=at[0] - 1 if last_at is None else last_at)
        wrong = steps < 0 if skip_duplicates else steps <= 0
        if wrong.any():
            i = int(np.argmax(wrong))
            before = lines[i - 1] if i else last_line
            relation = "the same as" if steps[i] == 0 else "before"
            raise TableError(
                f"{table.unit} {lines[i]}: time {block.times[i]!r} is {relation} that of "
                f"{table.unit} {before}: times must ascend"
            )
        last_at, last_line = at[-1], int(lines[-1])
        kept = steps > 0
        yield Readings(lines[kept], at[kept], ticks[kept], int(len(at) - kept.sum()))


class _BadRowError(ValueError):
    """Something in a block is unusual or wrong; which row, a slower second look finds out."""


def _read_one_by_one(
    block: Block, unit: str, clock: "Clock", lattice: Lattice
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read a block row by row; raise TableError with the line of the first that is wrong."""
    at, ticks = [], []
    for line, time, price in zip(*block, strict=True):
        try:
            at.append(clock.read_one(time))
            ticks.append(read_price(price, lattice))
        except ValueError as error:
            raise TableError(f"{unit} {line}: {error}") from None
    return np.array(at, dtype=np.int64), np.array(ticks, dtype=np.int64)


def read_prices(texts: list[str], lattice: Lattice) -> NDArray[np.int64]:
    """Return decimal prices in ticks, exactly; raise _BadRowError where one is none.

    The decimals are read as 128-bit integers of the last place, never as floats.
    """
    kind = pa.decimal128(38, lattice.precision)
    try:
        decimals = pa.array(texts, pa.string()).cast(kind)
    except (pa.ArrowException, UnicodeError):
        raise _BadRowError from None
    words = np.frombuffer(decimals.buffers()[1], dtype="<i8")[: 2 * len(texts)]
    units, high = words[::2], words[1::2]
    ticks, rest = np.divmod(units, lattice.units)
    if rest.any() or high.any() or (ticks < 1).any() or (ticks > LARGEST_TICKS).any():
        raise _BadRowError
    return ticks


def read_price(text: str, lattice: Lattice) -> int:
    """Return one price in ticks; raise ValueError with the value and the reason."""
    if not text.strip():
        raise ValueError("price is empty")
    try:
        price = Decimal(text) if PLAIN_NUMBER.fullmatch(text) else None
    except InvalidOperation:
        price = None
    if price is None:
        raise ValueError(f"price {text!r} is not a number")
    if price <= 0:
        raise ValueError(f"price {text!r} is not above zero")
    if price > LARGEST_TICKS * lattice.tick_size:
        raise ValueError(f"price {text!r} is more than 2^53 ticks")
    try:
        return lattice.ticks(price)
    except (OffLatticeError, InvalidOperation):
        nearest = lattice.price(max(1, round(price / lattice.tick_size)))
        raise ValueError(
            f"price {text!r} is not a multiple of the tick size {lattice.tick_size.normalize():f} "
            f"(nearest: {nearest:f})"
        ) from None


class Clock:
    """Reads times: ISO 8601 / RFC 3339, or seconds, ms or us since 1970, as the first one is."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._zone = zone
        self._epoch_unit: int | None = None  # microseconds; 0: times are not numbers

    def read(self, texts: list[str]) -> NDArray[np.int64]:
        """Return microseconds since 1970 UTC; raise _BadRowError where one is no time."""
        try:
            if self._unit(texts[0]):
                return np.array([self.read_one(text) for text in texts], dtype=np.int64)
            times = [datetime.fromisoformat(text) for text in texts]
            if self._zone is not UTC or any(time.tzinfo is not None for time in times):
                times = [self._to_utc(time) for time in times]
        except (ValueError, OverflowError):
            raise _BadRowError from None
        return np.array(times, dtype="datetime64[us]").astype(np.int64)

    def read_one(self, text: str) -> int:
        """Return one time; raise ValueError with the value and the reason."""
        if not text.strip():
            raise ValueError("time is empty")
        if unit := self._unit(text):
            if not EPOCH_NUMBER.fullmatch(text):
                raise ValueError(f"time {text!r} is not a number like the times before it")
            at = int(text) * unit if text.isdecimal() else int(Decimal(text) * unit)
            if at > LATEST:
                raise ValueError(f"time {text!r} lies after the year 2200")
            return at
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(
                f"time {text!r} is neither ISO 8601 (2026-01-31T09:30:00Z) nor a count of "
                "seconds, milliseconds or microseconds since 1970"
            ) from None
        try:
            return (self._to_utc(time) - EPOCH) // timedelta(microseconds=1)
        except OverflowError:
            raise ValueError(f"time {text!r} lies outside the years 1 to 9999 in UTC") from None

    def _unit(self, text: str) -> int:
        """Return the microseconds in one unit of epoch times, 0 where times are not numbers."""
        if self._epoch_unit is None:
            self._epoch_unit = 0
            if EPOCH_NUMBER.fullmatch(text):
                number = Decimal(text)
                units = (unit for bound, unit in EPOCH_UNITS if number < bound)
                self._epoch_unit = next(units, 0)
        return self._epoch_unit

    def _to_utc(self, time: datetime) -> datetime:
        """Return `time` as naive UTC; raise ValueError where the zone has no such local time."""
        if time.tzinfo is not None:
            return time.astimezone(UTC).replace(tzinfo=None)
        local = time.replace(tzinfo=self._zone)
        offset, later = local.utcoffset(), local.replace(fold=1).utcoffset()
        if offset is None or later is None:
            raise ValueError(f"time {time} has no offset in {self._zone}")
        if offset > later:
            raise ValueError(
                f"time '{time}' is ambiguous in {self._zone}: clocks were set back, it came twice"
            )
        if offset < later:
            raise ValueError(
                f"time '{time}' does not exist in {self._zone}: clocks were set forward over it"
            )
        return time - offset
