"""Time and sales: trades as an Arrow stream in the form that flowsurface reads. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa

from archive.columns import END_OF_STREAM, Columns

FIELDS: Final = ("at", "ticks", "lots", "side")
SCHEMA: Final = pa.schema(
    [("ts", pa.int64()), ("price", pa.float64()), ("qty", pa.float64()), ("is_sell", pa.bool_())]
)


def time_and_sales(chunks: Iterable[Columns]) -> Iterator[bytes]:
    """Yield an Arrow IPC stream of trades: the schema, a block per chunk, the end."""
    yield bytes(SCHEMA.serialize())
    for chunk in chunks:
        columns = [
            chunk["at"] // 1000,
            chunk.lattice.numbers(chunk["ticks"]),
            chunk.lattice.quantities.numbers(chunk["lots"]),
            chunk["side"] < 0,
        ]
        arrays = [pa.array(column) for column in columns]
        yield bytes(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA).serialize())
    yield END_OF_STREAM
