"""Where an order id rests: a hash table of rows of the orders array. Pure, for kernels.

`ids` is an int32 array whose length is a power of two and at least twice the number of orders.
An entry is the row of an order, or NONE. The id itself stands in the order's row, so every int64
is a valid id. Open addressing with linear probing; deletion shifts entries back, so no
tombstones accumulate however often ids come and go.
"""

import numpy as np
import numpy.typing as npt

from exchange.engine.kernel import inlined, leading_zeros, signed

IntMatrix = npt.NDArray[np.int64]
IdTable = npt.NDArray[np.int32]

NONE = -1
ID = 0
"""Column of the orders array that holds the id."""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def new_id_table(orders: int) -> IdTable:
    """Return an empty table for that many orders (a power of two)."""
    return np.full(2 * orders, NONE, np.int32)


@inlined
def home(ids: IdTable, order_id: int) -> int:
    """Return the entry at which the search for an id begins: the highest bits of id x GOLDEN."""
    shift = leading_zeros(np.uint64(ids.size - 1))
    return signed((np.uint64(order_id) * GOLDEN) >> np.uint64(shift))


@inlined
def find(ids: IdTable, orders: IntMatrix, order_id: int) -> int:
    """Return the row of an id in `orders`, or NONE."""
    mask = ids.size - 1
    entry = home(ids, order_id)
    row = signed(ids[entry])
    while row != NONE and orders[row, ID] != order_id:
        entry = (entry + 1) & mask
        row = signed(ids[entry])
    return row


@inlined
def insert(ids: IdTable, order_id: int, row: int) -> None:
    """Add an id that the table does not hold."""
    mask = ids.size - 1
    entry = home(ids, order_id)
    while ids[entry] != NONE:
        entry = (entry + 1) & mask
    ids[entry] = row


@inlined
def remove(ids: IdTable, orders: IntMatrix, row: int) -> None:
    """Remove the id of a row that the table holds."""
    mask = ids.size - 1
    hole = home(ids, orders[row, ID])
    while ids[hole] != row:
        hole = (hole + 1) & mask
    entry = (hole + 1) & mask
    while ids[entry] != NONE:
        wanted = home(ids, orders[signed(ids[entry]), ID])
        if ((entry - wanted) & mask) >= ((entry - hole) & mask):
            ids[hole] = ids[entry]
            hole = entry
        entry = (entry + 1) & mask
    ids[hole] = NONE
