"""Clusters as the JSON rows of the API. Pure.

A kernel writes the text, because a page of 500 clusters has a hundred thousand numbers. Prices and
quantities are written with all decimals of their grid.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from exchange.depth.bits import Bytes
from exchange.engine.kernel import inlined, kernel
from instruments.lattice import Grid, Lattice
from orderflow.clusters import (
    CLOSE,
    DELTA,
    DELTA_MAX,
    DELTA_MIN,
    FIRST_SEQ,
    HEAD,
    HIGH,
    LAST_SEQ,
    LOW,
    OPEN,
    OPENED_AT,
    VOLUME,
    Clusters,
    Integers,
    Matrix,
)
from orderflow.valueareas import areas

COLUMNS: Final = (
    "opened_at", "open", "high", "low", "close", "volume", "delta", "delta_min", "delta_max",
    "poc", "value_low", "value_high", "step", "clusters", "first_seq", "last_seq",
)  # fmt: skip
_NUMBER_BYTES: Final = 32
"""At least the bytes of a number with its sign, its point and what follows it."""
_COMMA, _OPENING, _CLOSING, _MINUS, _POINT, _ZERO = (ord(mark) for mark in ",[]-.0")


@dataclass(frozen=True)
class RowTexts:
    """The JSON texts of rows: row i is text[ends[i]:ends[i + 1]]."""

    text: bytes
    ends: Integers

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, i: int) -> bytes:
        return self.text[self.ends[i] : self.ends[i + 1]]

    def at(self, places: Integers) -> list[bytes]:
        """Return the texts of these rows."""
        begins, ends = self.ends[places].tolist(), self.ends[places + 1].tolist()
        return [self.text[begin:end] for begin, end in zip(begins, ends, strict=True)]

    def part(self, first: int, end: int) -> "RowTexts":
        """Return the rows first ... end - 1."""
        ends = self.ends[first : end + 1]
        return RowTexts(self.text[ends[0] : ends[-1]], ends - ends[0])


def row_texts(clusters: Clusters, steps: Integers | int, lattice: Lattice) -> RowTexts:
    """Return a row of COLUMNS for each cluster; its rows have `steps` ticks, as of `in_steps`."""
    of_each = np.full(len(clusters), steps, np.int64)
    heads = np.ascontiguousarray(clusters.heads).view(np.int64).reshape(-1, len(HEAD.names or ()))
    heads_bytes = _NUMBER_BYTES * (len(COLUMNS) + 1) * len(heads)
    out = np.empty(heads_bytes + row_bytes(clusters, lattice) * len(clusters.rows), np.uint8)
    ends = np.zeros(len(heads) + 1, np.int64)
    _write(
        heads, clusters.starts, np.ascontiguousarray(clusters.rows), np.vstack(areas(clusters)),
        of_each, form(lattice.prices), form(lattice.quantities), out, ends,
    )  # fmt: skip
    return RowTexts(out[: ends[-1]].tobytes(), ends)


def row_bytes(clusters: Clusters, lattice: Lattice) -> int:
    """Return at least the bytes of a price row, with its brackets and commas."""
    if not len(clusters.rows):
        return 0
    grids = (lattice.prices, lattice.quantities, lattice.quantities, Grid(Decimal(1)))
    largest = [int(column.max()) for column in clusters.rows.T]  # axis=0 takes ten times as long
    digits = (len(str(each * grid.units)) for each, grid in zip(largest, grids, strict=True))
    return sum(digits) + 2 * sum(grid.precision + 2 for grid in grids) + 8


def form(grid: Grid) -> Integers:
    """Return the units of a step of the grid, its decimals, and the units of 1."""
    return np.array([grid.units, grid.precision, grid.scale], np.int64)


@kernel
def _write(
    heads: Matrix,
    starts: Integers,
    rows: Matrix,
    found: Matrix,
    steps: Integers,
    prices: Integers,
    quantities: Integers,
    out: Bytes,
    ends: Integers,
) -> None:
    for i in range(heads.shape[0]):
        head = heads[i]
        at = _put_mark(out, ends[i], _OPENING)
        at = _put_whole(out, at, head[OPENED_AT] // 1000)
        for name in (OPEN, HIGH, LOW, CLOSE):
            at = _put_decimal(out, _put_mark(out, at, _COMMA), head[name], prices)
        for name in (VOLUME, DELTA, DELTA_MIN, DELTA_MAX):
            at = _put_decimal(out, _put_mark(out, at, _COMMA), head[name], quantities)
        for which in range(3):
            at = _put_decimal(out, _put_mark(out, at, _COMMA), found[which, i], prices)
        at = _put_whole(out, _put_mark(out, at, _COMMA), steps[i])
        at = _put_mark(out, _put_mark(out, at, _COMMA), _OPENING)
        for j in range(starts[i], starts[i + 1]):
            if j > starts[i]:
                at = _put_mark(out, at, _COMMA)
            at = _put_decimal(out, _put_mark(out, at, _OPENING), rows[j, 0], prices)
            for column in range(1, 3):
                at = _put_decimal(out, _put_mark(out, at, _COMMA), rows[j, column], quantities)
            at = _put_whole(out, _put_mark(out, at, _COMMA), rows[j, 3])
            at = _put_mark(out, at, _CLOSING)
        at = _put_mark(out, at, _CLOSING)
        at = _put_whole(out, _put_mark(out, at, _COMMA), head[FIRST_SEQ])
        at = _put_whole(out, _put_mark(out, at, _COMMA), head[LAST_SEQ])
        ends[i + 1] = _put_mark(out, at, _CLOSING)


@inlined
def _put_mark(out: Bytes, at: int, mark: int) -> int:
    out[at] = mark
    return at + 1


@inlined
def _put_whole(out: Bytes, at: int, value: int) -> int:
    if value < 0:
        out[at] = _MINUS
        at += 1
        value = -value
    return _put_digits(out, at, value, 1)


@inlined
def _put_decimal(out: Bytes, at: int, count: int, grid: Matrix) -> int:
    """Write `count` steps of a grid."""
    value = count * grid[0]
    if value < 0:
        out[at] = _MINUS
        at += 1
        value = -value
    precision = grid[1]
    if precision == 0:
        return _put_digits(out, at, value, 1)
    whole = value // grid[2]
    at = _put_mark(out, _put_digits(out, at, whole, 1), _POINT)
    return _put_digits(out, at, value - whole * grid[2], precision)


@inlined
def _put_digits(out: Bytes, at: int, value: int, fewest: int) -> int:
    """Write at least `fewest` digits of a number that is not negative.

    Two digits at a time, because divisions take most of the time.
    """
    rest, power = np.uint64(value), np.uint64(10)
    digits = 1
    while rest >= power:
        digits += 1
        power *= np.uint64(10)
    end = at + max(digits, fewest)
    place = end
    while rest >= np.uint64(10):
        pairs = rest // np.uint64(100)
        pair = np.int64(rest - pairs * np.uint64(100))
        tens = (pair * 103) >> 10  # pair // 10, for pairs below 100
        out[place - 1] = _ZERO + pair - 10 * tens
        out[place - 2] = _ZERO + tens
        place -= 2
        rest = pairs
    if place > at:
        place -= 1
        out[place] = _ZERO + np.int64(rest)
    while place > at:
        place -= 1
        out[place] = _ZERO
    return end
