"""The price levels of a book: which prices are occupied and what rests there. Pure, for kernels.

64 adjacent prices form a page: 64 rows of `rows` and a word of 64 bits in `occupied`. A page
exists while one of its prices is occupied. `directory` lists the pages in use in order of price,
so the next occupied price is a bit operation within the page or its neighbour, whatever the
distance. Memory depends on the number of occupied pages (2 KiB each), not on the price.

Bids and asks share the levels: in a book that is not crossed, every price below the best ask
belongs to bids and every price above the best bid to asks.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from exchange.engine.idtable import NONE, IntMatrix
from exchange.engine.kernel import inlined, leading_zeros, signed, trailing_zeros

IntArray = npt.NDArray[np.int64]

HEAD, TAIL, LOTS, COUNT = range(4)
"""Columns of `rows`: first and last order in the queue, sum of lots, number of orders."""
NUMBER, PLACE = range(2)
"""Columns of `directory`: ticks >> 6, and where the page lies in `rows` and `occupied`."""

NO_BID = 0
NO_ASK = 2**62
"""What stands for the best price of an empty side: no limit price reaches it."""
ONE = np.uint64(1)


class PriceLevels(NamedTuple):
    rows: IntMatrix
    """(64 x pages, 4)"""
    occupied: npt.NDArray[np.uint64]
    """(pages,)"""
    directory: IntMatrix
    """(pages, 2); the first pages_used[0] are in use; the others list the free places."""
    pages_used: IntArray
    """(1,)"""


def new_price_levels(pages: int) -> PriceLevels:
    directory = np.zeros((pages, 2), np.int64)
    directory[:, PLACE] = np.arange(pages)
    rows = np.zeros((64 * pages, 4), np.int64)
    return PriceLevels(rows, np.zeros(pages, np.uint64), directory, np.zeros(1, np.int64))


def with_more_pages(levels: PriceLevels) -> PriceLevels:
    """Return the same levels with room for twice as many pages."""
    pages = levels.occupied.size
    larger = new_price_levels(2 * pages)
    larger.rows[: 64 * pages] = levels.rows
    larger.occupied[:pages] = levels.occupied
    larger.directory[:pages] = levels.directory
    larger.pages_used[0] = levels.pages_used[0]
    return larger


def occupied_prices(levels: PriceLevels) -> tuple[IntArray, IntArray]:
    """Return the occupied prices in ascending order, and their rows."""
    pages = levels.directory[: levels.pages_used[0]]
    octets = levels.occupied[pages[:, PLACE]].astype("<u8").view(np.uint8)
    page, bit = np.unpackbits(octets, bitorder="little").reshape(-1, 64).nonzero()
    return 64 * pages[page, NUMBER] + bit, 64 * pages[page, PLACE] + bit


@inlined
def page_at_or_above(levels: PriceLevels, number: int) -> int:
    """Return the position in the directory of the first page whose number is >= `number`."""
    low = signed(0)
    high = levels.pages_used[0]
    while low < high:
        middle = (low + high) >> 1
        if levels.directory[middle, NUMBER] < number:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def level_row(levels: PriceLevels, ticks: int) -> int:
    """Return the row of a price in `levels.rows`, or NONE if its page does not exist.

    The row of a price at which nothing rests has 0 lots and 0 orders.
    """
    page = page_at_or_above(levels, ticks >> 6)
    if page == levels.pages_used[0] or levels.directory[page, NUMBER] != ticks >> 6:
        return signed(NONE)
    return (levels.directory[page, PLACE] << 6) + (ticks & 63)


@inlined
def occupy(levels: PriceLevels, ticks: int) -> int:
    """Mark a price as occupied; return its row. A page must be free."""
    number = ticks >> 6
    page = page_at_or_above(levels, number)
    used = levels.pages_used[0]
    if page == used or levels.directory[page, NUMBER] != number:
        free = levels.directory[used, PLACE]
        for i in range(used, page, -1):
            levels.directory[i, NUMBER] = levels.directory[i - 1, NUMBER]
            levels.directory[i, PLACE] = levels.directory[i - 1, PLACE]
        levels.directory[page, NUMBER] = number
        levels.directory[page, PLACE] = free
        levels.pages_used[0] = used + 1
    place = levels.directory[page, PLACE]
    levels.occupied[place] |= ONE << np.uint64(ticks & 63)
    return (place << 6) + (ticks & 63)


@inlined
def vacate(levels: PriceLevels, ticks: int) -> None:
    """Mark an occupied price as free; free its page with its last price."""
    page = page_at_or_above(levels, ticks >> 6)
    place = levels.directory[page, PLACE]
    levels.occupied[place] &= ~(ONE << np.uint64(ticks & 63))
    if levels.occupied[place] == 0:
        last = levels.pages_used[0] - 1
        for i in range(page, last):
            levels.directory[i, NUMBER] = levels.directory[i + 1, NUMBER]
            levels.directory[i, PLACE] = levels.directory[i + 1, PLACE]
        levels.directory[last, PLACE] = place
        levels.pages_used[0] = last


@inlined
def occupied_above(levels: PriceLevels, ticks: int) -> int:
    """Return the lowest occupied price > `ticks`, or NO_ASK."""
    start = ticks + 1
    page = page_at_or_above(levels, start >> 6)
    found = signed(NO_ASK)
    if page < levels.pages_used[0]:
        number = levels.directory[page, NUMBER]
        bits = levels.occupied[levels.directory[page, PLACE]]
        if number == start >> 6:
            bits = (bits >> np.uint64(start & 63)) << np.uint64(start & 63)
            if bits == 0 and page + 1 < levels.pages_used[0]:
                number = levels.directory[page + 1, NUMBER]
                bits = levels.occupied[levels.directory[page + 1, PLACE]]
        if bits != 0:
            found = (number << 6) + signed(trailing_zeros(bits))
    return found


@inlined
def occupied_below(levels: PriceLevels, ticks: int) -> int:
    """Return the highest occupied price < `ticks`, or NO_BID."""
    page = page_at_or_above(levels, ticks >> 6)
    found = signed(NO_BID)
    bits = np.uint64(0)
    number = signed(0)
    if page < levels.pages_used[0] and levels.directory[page, NUMBER] == ticks >> 6:
        number = ticks >> 6
        bits = levels.occupied[levels.directory[page, PLACE]]
        bits &= (ONE << np.uint64(ticks & 63)) - ONE
    if bits == 0 and page > 0:
        number = levels.directory[page - 1, NUMBER]
        bits = levels.occupied[levels.directory[page - 1, PLACE]]
    if bits != 0:
        found = (number << 6) + 63 - signed(leading_zeros(bits))
    return found
