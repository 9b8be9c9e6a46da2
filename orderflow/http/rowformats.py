"""JSON rows of clusters as CSV and Arrow. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa

from archive.columns import END_OF_STREAM, MOMENT
from orderflow.rowtexts import COLUMNS

CLUSTERS: Final = COLUMNS.index("clusters")
WHOLE: Final = ("step", "first_seq", "last_seq")
ROWS: Final = pa.list_(pa.list_(pa.float64(), 4))


def type_of(column: str) -> pa.DataType:
    if column == "opened_at":
        return MOMENT
    if column == "clusters":
        return ROWS
    return pa.int64() if column in WHOLE else pa.float64()


SCHEMA: Final = pa.schema([(column, type_of(column)) for column in COLUMNS])


def csv_blocks(pages: Iterable[Sequence[bytes]]) -> Iterator[bytes]:
    """Yield a header line, then the lines of each page."""
    yield ",".join(COLUMNS).encode() + b"\n"
    for page in pages:
        yield b"".join(map(csv_line, page))


def csv_line(row: bytes) -> bytes:
    """Return a line; the rows of the cluster are a JSON text in quotes."""
    before, inside, after = row[1:-1].partition(b"[[")
    rows, closing, last = after.partition(b"]]")
    return b'%b"%b%b%b"%b\n' % (before, inside, rows, closing, last)


def arrow_blocks(pages: Iterable[Sequence[bytes]]) -> Iterator[bytes]:
    """Yield an Arrow IPC stream: the schema, a block per page, the end."""
    yield bytes(SCHEMA.serialize())
    for page in pages:
        yield bytes(arrow_batch(page).serialize())
    yield END_OF_STREAM


def arrow_batch(page: Sequence[bytes]) -> pa.RecordBatch:
    rows = [orjson.loads(row) for row in page]
    columns = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
    arrays = [array(values, field) for values, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def array(values: Sequence[Any], field: pa.Field) -> pa.Array:
    if field.type == MOMENT:
        return pa.array([1000 * value for value in values], pa.int64()).cast(MOMENT)
    return pa.array(values, field.type)


BLOCKS: Final = {"csv": csv_blocks, "arrow": arrow_blocks}
