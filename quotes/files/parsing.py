"""Exact parsing of a table's text into ticks and ascending times. Pure."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from instruments.lattice import Lattice, OffLatticeError
from market.quoting import quoted
from quotes.files.clocks import Clock
from quotes.files.tables import Block, Table, TableError, all_match

LARGEST_TICKS = 2**53  # larger integers are not exact as floats
SHORT_NUMBER = r"[+-]?[0-9]{0,19}(\.[0-9]{0,19})?([eE][+-]?[0-9]{1,2})?"
"""Only these go to Arrow: it overflows beyond 38 digits, and 1e-999999999 crashes the process."""
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?([0-9]+))?")
LONGEST_NUMBER = 100
LARGEST_EXPONENT = 99


class ParsedRows(NamedTuple):
    """Valid rows, shape (n,) each: line numbers, microseconds since 1970 UTC, prices in ticks.

    `skipped` counts the rows omitted as duplicates of the previous time.
    """

    lines: NDArray[np.int64]
    at: NDArray[np.int64]
    ticks: NDArray[np.int64]
    skipped: int


def parse_rows(
    table: Table, lattice: Lattice, clock: Clock | None = None, skip_duplicates: bool = False
) -> Iterator[ParsedRows]:
    """Yield the rows of `table` in blocks; raise TableError at the first invalid row.

    Without a `clock`, times are UTC. Equal times are invalid unless duplicates are skipped.
    """
    clock = clock or Clock()
    last_at, last_line = None, 0
    for block in map(stripped, table.blocks()):
        try:
            at = clock.read(block.times)
            ticks = read_prices(block.prices, lattice)
        except (ValueError, OverflowError):  # the error does not name the row
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
        yield ParsedRows(lines[kept], at[kept], ticks[kept], int(len(at) - kept.sum()))


def stripped(block: Block) -> Block:
    """Return `block` without spaces around times and prices."""
    times, prices = ([text.strip(" \t") for text in texts] for texts in block[1:])
    return Block(block.lines, times, prices)


def _read_one_by_one(
    block: Block, unit: str, clock: Clock, lattice: Lattice
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Parse a block row by row; raise TableError with the line of the first invalid row."""
    at, ticks = [], []
    for line, time, price in zip(*block, strict=True):
        try:
            at.append(clock.read_one(time))
            ticks.append(read_price(price, lattice))
        except ValueError as error:
            raise TableError(f"{unit} {line}: {error}") from None
    return np.array(at, dtype=np.int64), np.array(ticks, dtype=np.int64)


def read_prices(texts: list[str], lattice: Lattice) -> NDArray[np.int64]:
    """Return decimal prices in ticks, shape (n,); raise ValueError if any price is invalid.

    Parses decimals as 128-bit integers in units of the last place, never as floats.
    """
    column = pa.array(texts, pa.string())
    if not all_match(column, SHORT_NUMBER):
        raise ValueError("not all prices are short decimal numbers")
    decimals = column.cast(pa.decimal128(38, lattice.precision))
    words = np.frombuffer(decimals.buffers()[1], dtype="<i8")[: 2 * len(texts)]
    units, high = words[::2], words[1::2]
    ticks, rest = np.divmod(units, lattice.units)
    if rest.any() or high.any() or (ticks < 1).any() or (ticks > LARGEST_TICKS).any():
        raise ValueError("not all prices are multiples of the tick size")
    return ticks


def read_price(text: str, lattice: Lattice) -> int:
    """Return one price in ticks; raise ValueError with the value and the reason."""
    if not text:
        raise ValueError("price is empty")
    price = read_number(text)
    if price <= 0:
        raise ValueError(f"price {quoted(text)} is not above 0")
    if price > LARGEST_TICKS * lattice.tick_size:
        raise ValueError(f"price {quoted(text)} is more than 2^53 ticks")
    try:
        return lattice.ticks(price)
    except (OffLatticeError, InvalidOperation):
        step = lattice.tick_size.normalize()
        nearest = lattice.price(max(1, round(price / step)))
        raise ValueError(
            f"price {quoted(text)} is not a multiple of the tick size {step:f} "
            f"(nearest: {nearest:f})"
        ) from None


def read_number(text: str) -> Decimal:
    """Parse a price as a decimal; raise ValueError with the value and the reason."""
    found = NUMBER.fullmatch(text)
    if not found:
        raise ValueError(f"price {quoted(text)} is not a number")
    if (
        len(text) > LONGEST_NUMBER
        or len(found[3] or "") > 4
        or int(found[3] or 0) > LARGEST_EXPONENT
    ):
        raise ValueError(
            f"price {quoted(text)} has more than {LONGEST_NUMBER} characters or an exponent beyond "
            f"{LARGEST_EXPONENT}: write it as a decimal number such as 1234.25"
        )
    return Decimal(text)
