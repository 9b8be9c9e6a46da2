"""Records as clients see them: decimals for ticks, epoch milliseconds for microseconds. Pure."""

from collections.abc import Iterable
from typing import Any

from instruments.lattice import Lattice
from market.kinds import Column, Rows, Unit


def outside_rows(columns: Iterable[Column], rows: Rows, lattice: Lattice) -> list[tuple[Any, ...]]:
    """Return `rows` as tuples of the values that clients see, in the order of `columns`."""
    return list(zip(*(outside(column, rows, lattice).tolist() for column in columns), strict=True))


def outside(column: Column, rows: Rows, lattice: Lattice) -> Any:
    """Return one column of `rows` as an array of the numbers that clients see."""
    values = rows[column.field]
    if column.unit is Unit.PRICE:
        return lattice.numbers(values)
    return values // 1000 if column.unit is Unit.TIME else values
