"""Tables of database rows for clients: the columns, and how a row becomes values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pyarrow as pa
from django.db.models import Model

from archive.columns import MOMENT

M = TypeVar("M", bound=Model)
TEXT, INTEGER, NUMBER, FLAG, TIME = pa.string(), pa.int64(), pa.float64(), pa.bool_(), MOMENT


@dataclass(frozen=True)
class Cell:
    """A column: values are text, whole numbers, Decimals, truth values, times in microseconds."""

    name: str
    type: pa.DataType
    help: str = ""


@dataclass(frozen=True)
class Listing(Generic[M]):
    """A table of rows of `M`, ordered by the unique whole number `key`."""

    name: str
    cells: Sequence[Cell]
    values: Callable[[M], Sequence[Any]]
    key: str = "id"

    @property
    def columns(self) -> list[str]:
        return [cell.name for cell in self.cells]

    def record(self, row: M) -> dict[str, Any]:
        """Return a row as an object for JSON."""
        return dict(zip(self.columns, self.json_row(self.values(row)), strict=True))

    def json_row(self, values: Sequence[Any]) -> list[Any]:
        return [
            value // 1000 if cell.type is TIME and value is not None else value
            for cell, value in zip(self.cells, values, strict=True)
        ]
