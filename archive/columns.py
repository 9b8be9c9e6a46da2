"""Rows of a table as arrays, and their formats for clients: JSON, CSV and Arrow."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from instruments.lattice import Grid, Lattice
from market.kinds import Column, Table, Unit

Array = NDArray[Any]
END_OF_STREAM: Final = b"\xff\xff\xff\xff\0\0\0\0"
CSV_LINES: Final = csv.WriteOptions(include_header=False, quoting_style="none")
QUOTED_LINES: Final = csv.WriteOptions(include_header=False, quoting_style="needed")


class Form(NamedTuple):
    """How numbers of one unit are presented to clients.

    `arrow` returns an array of `type`; `text` one that prints as CSV shows it.
    """

    type: pa.DataType
    json: Callable[[Array, Lattice], list[Any]]
    text: Callable[[Array, Lattice], pa.Array]
    arrow: Callable[[Array, Lattice], pa.Array]


def decimals(counts: Array, grid: Grid) -> pa.Array:
    """Return multiples of a grid as text with all decimals, e.g. 5012.50; never as 1e-05."""
    units = counts * grid.units
    if grid.precision == 0:
        return pa.array(units)
    import pyarrow.compute as pc  # only CSV needs it, and it takes a twentieth of a start

    whole, rest = np.divmod(np.abs(units), grid.scale)
    padded = pc.utf8_lpad(pa.array(rest).cast(pa.string()), grid.precision, "0")
    text = pc.binary_join_element_wise(pa.array(whole).cast(pa.string()), padded, ".")
    if units.size and units.min() < 0:
        signs = pa.array(np.where(units < 0, "-", ""))
        text = pc.binary_join_element_wise(signs, text, "")
    return text


def sides(values: Array) -> Array:
    """Return the side of each of 1 and -1."""
    return np.where(values > 0, "buy", "sell")


def named(names: Mapping[int, str]) -> Form:
    """Return the form of numbers that stand for names."""

    def texts(values: Array, _: Lattice) -> list[str]:
        return [names.get(value, str(value)) for value in values.tolist()]

    def array(values: Array, lattice: Lattice) -> pa.Array:
        return pa.array(texts(values, lattice), pa.string())

    return Form(pa.string(), json=texts, text=array, arrow=array)


def documents(values: Array, _: Lattice) -> pa.Array:
    """Return JSON documents as text."""
    return pa.array([value.decode() for value in values], pa.string())


MOMENT: Final = pa.timestamp("us", tz="UTC")
FORMS: Final[Mapping[Unit, Form]] = {
    Unit.INTEGER: Form(
        pa.int64(),
        json=lambda values, _: values.tolist(),
        text=lambda values, _: pa.array(values),
        arrow=lambda values, _: pa.array(values, pa.int64()),
    ),
    Unit.NUMBER: Form(
        pa.float64(),
        json=lambda values, _: values.tolist(),
        text=lambda values, _: pa.array(map(repr, values.tolist())),
        arrow=lambda values, _: pa.array(values, pa.float64()),
    ),
    Unit.TIME: Form(
        MOMENT,
        json=lambda values, _: (values // 1000).tolist(),
        text=lambda values, _: pa.array(values // 1000),
        arrow=lambda values, _: pa.array(values, pa.int64()).cast(MOMENT),
    ),
    Unit.PRICE: Form(
        pa.float64(),
        json=lambda values, lattice: lattice.numbers(values).tolist(),
        text=lambda values, lattice: decimals(values, lattice.prices),
        arrow=lambda values, lattice: pa.array(lattice.numbers(values)),
    ),
    Unit.QUANTITY: Form(
        pa.float64(),
        json=lambda values, lattice: lattice.quantities.numbers(values).tolist(),
        text=lambda values, lattice: decimals(values, lattice.quantities),
        arrow=lambda values, lattice: pa.array(lattice.quantities.numbers(values)),
    ),
    Unit.SIDE: Form(
        pa.string(),
        json=lambda values, _: sides(values).tolist(),
        text=lambda values, _: pa.array(sides(values)),
        arrow=lambda values, _: pa.array(sides(values), pa.string()),
    ),
    Unit.JSON: Form(
        pa.string(),
        json=lambda values, _: list(map(orjson.loads, values)),
        text=documents,
        arrow=documents,
    ),
}
"""Times are presented as epoch milliseconds, in Arrow as exact microseconds."""


def form_of(column: Column) -> Form:
    return named(dict(column.names)) if column.unit is Unit.NAME else FORMS[column.unit]


@dataclass(frozen=True)
class Columns:
    """Ascending rows of `table`: by field the numbers as stored, each of shape (n,)."""

    table: Table
    lattice: Lattice
    numbers: Mapping[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.numbers.values())))

    def __getitem__(self, field: str) -> Array:
        return self.numbers[field]

    def part(self, rows: slice | NDArray[np.int64]) -> "Columns":
        return replace(self, numbers={name: array[rows] for name, array in self.numbers.items()})

    def reversed(self) -> "Columns":
        numbers = {name: array[::-1].copy() for name, array in self.numbers.items()}
        return replace(self, numbers=numbers)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return rows as JSON shows them: epoch milliseconds, decimals as the nearest doubles."""
        shown = (
            form_of(column).json(self[column.field], self.lattice) for column in self.table.columns
        )
        return list(zip(*shown, strict=True))

    def csv(self) -> bytes:
        """Return a line per row, without a header; decimals are complete."""
        sink = pa.BufferOutputStream()
        batch = self._batch(lambda form, column: form.text(self[column.field], self.lattice))
        has_documents = any(column.unit is Unit.JSON for column in self.table.columns)
        csv.write_csv(batch, sink, QUOTED_LINES if has_documents else CSV_LINES)
        return bytes(sink.getvalue())

    def arrow(self) -> pa.RecordBatch:
        """Return an Arrow batch: times to the microsecond in UTC, decimals as float64."""
        return self._batch(lambda form, column: form.arrow(self[column.field], self.lattice))

    def _batch(self, shown: Callable[[Form, Column], pa.Array]) -> pa.RecordBatch:
        columns = self.table.columns
        arrays = [shown(form_of(column), column) for column in columns]
        return pa.RecordBatch.from_arrays(arrays, self.table.column_names)


def arrow_schema(table: Table) -> pa.Schema:
    """Return the schema of the Arrow batches of a table."""
    return pa.schema([(column.name, form_of(column).type) for column in table.columns])


def arrow_blocks(table: Table, chunks: Iterable[Columns]) -> Iterator[bytes]:
    """Yield an Arrow IPC stream: the schema, a block per chunk, the end."""
    yield bytes(arrow_schema(table).serialize())
    for chunk in chunks:
        yield bytes(chunk.arrow().serialize())
    yield END_OF_STREAM


def csv_blocks(table: Table, chunks: Iterable[Columns]) -> Iterator[bytes]:
    """Yield a header line, then the lines of each chunk."""
    yield ",".join(table.column_names).encode() + b"\n"
    for chunk in chunks:
        yield chunk.csv()


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the rows of one or more parts, which are in ascending order, as one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    numbers = {name: np.concatenate([part[name] for part in parts]) for name in first.numbers}
    return replace(first, numbers=numbers)
