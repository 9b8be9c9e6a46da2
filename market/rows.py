"""Conversion of records for clients: ticks to decimals, microseconds to milliseconds. Pure."""

from collections.abc import Iterable
from typing import Any

from instruments.lattice import Lattice
from market.kinds import Column, Rows, Unit


def outside_rows(columns: Iterable[Column], rows: Rows, lattice: Lattice) -> list[tuple[Any, ...]]:
    """Return `rows` as tuples of client values, in the order of `columns`."""
    return list(zip(*(outside(column, rows, lattice).tolist() for column in columns), strict=True))


def outside(column: Column, rows: Rows, lattice: Lattice) -> Any:
    """Return one column of `rows` in client units, shape (n,)."""
    values = rows[column.field]
    if column.unit is Unit.PRICE:
        return lattice.numbers(values)
    return values // 1000 if column.unit is Unit.TIME else values
