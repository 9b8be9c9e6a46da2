"""A book as bytes: its orders by price and place in the queue. Pure.

Rows of the arrays have no meaning outside a process, so the same book has the same bytes
wherever its orders lie. Places in the pool are kept: draws from it depend on them.
"""

from struct import Struct
from typing import Final
from zlib import crc32

import numpy as np

from exchange.engine.idtable import ID, NONE
from exchange.engine.messages import MESSAGE, Kind, TimeInForce
from exchange.engine.orderbook import NEXT, OWNER, POOL, POOLED, SIDE, SIZE, TICKS, Book
from exchange.engine.pricelevels import HEAD, IntArray, occupied_prices
from market.kinds import Rows

MAGIC: Final = b"PTBOOK01"
HEADER: Final = Struct("<8sqqqL")  # magic, capacity, prevention, orders, CRC-32 of the columns
COLUMNS: Final = (ID, OWNER, SIDE, TICKS, SIZE, POOL)


class SnapshotError(ValueError):
    """Bytes that are not the snapshot of a book."""


def encode(book: Book, capacity: int, prevention: int) -> bytes:
    columns = book.orders[_rows_in_queues(book)][:, COLUMNS].T.astype("<i8").tobytes()
    count = len(columns) // (8 * len(COLUMNS))
    return HEADER.pack(MAGIC, capacity, prevention, count, crc32(columns)) + columns


def decode(snapshot: bytes) -> tuple[int, int, Rows, IntArray]:
    """Return capacity, prevention, the orders as NEW messages and their places in the pool."""
    columns = snapshot[HEADER.size :]
    if len(snapshot) < HEADER.size or not snapshot.startswith(MAGIC):
        raise SnapshotError(f"a snapshot begins with {MAGIC!r}, not with {snapshot[:8]!r}")
    _, capacity, prevention, count, checksum = HEADER.unpack_from(snapshot)
    if len(columns) != 8 * len(COLUMNS) * count or crc32(columns) != checksum:
        raise SnapshotError(f"the snapshot of {count} orders is truncated or damaged")
    ids, owners, sides, ticks, lots, places = np.frombuffer(columns, "<i8").reshape(
        len(COLUMNS), count
    )
    messages = np.zeros(count, MESSAGE)
    messages["kind"], messages["tif"] = Kind.NEW, TimeInForce.GTC
    messages["order_id"], messages["owner"], messages["side"] = ids, owners, sides
    messages["ticks"], messages["lots"] = ticks, lots
    return capacity, prevention, messages, places.astype(np.int64)


def put_in_pool(book: Book, places: IntArray) -> None:
    """Put the orders of a fresh book into the pool; row k is to have places[k] or NONE."""
    rows = np.flatnonzero(places != NONE)
    if sorted(places[rows]) != list(range(rows.size)):
        raise SnapshotError("the places of the orders in the pool have gaps")
    book.orders[rows, POOL] = places[rows]
    book.pool[places[rows]] = rows
    book.state[POOLED] = rows.size


def _rows_in_queues(book: Book) -> list[int]:
    _, levels = occupied_prices(book.levels)
    successors = book.orders[:, NEXT].tolist()
    rows = []
    for row in book.levels.rows[levels, HEAD].tolist():
        while row != NONE:
            rows.append(row)
            row = successors[row]
    return rows
