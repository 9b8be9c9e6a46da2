"""What holds in every order book between two messages; for tests and audits. Pure."""

import numpy as np

from exchange.engine.idtable import GOLDEN, ID, NONE
from exchange.engine.messages import BUY, SELL
from exchange.engine.orderbook import (
    BEST,
    FREE,
    LARGEST_LOTS,
    NEXT,
    POOL,
    POOLED,
    PREVIOUS,
    RESTING,
    SIDE,
    SIZE,
    TICKS,
    Book,
)
from exchange.engine.pricelevels import (
    COUNT,
    HEAD,
    LOTS,
    NO_ASK,
    NO_BID,
    NUMBER,
    PLACE,
    TAIL,
    occupied_prices,
)


class CorruptBookError(Exception):
    """The arrays of a book contradict each other."""


def check_book(book: Book) -> None:
    """Raise CorruptBookError, with what is wrong, unless the book is sound."""
    _check_directory(book)
    prices = {
        int(ticks): int(row) for ticks, row in zip(*occupied_prices(book.levels), strict=True)
    }
    _check_best_prices(book, list(prices))
    for ticks, row in prices.items():
        _check_queue(book, ticks, row)
    _check_rows(book, list(prices.values()))
    _check_ids(book)
    _check_pool(book)


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise CorruptBookError(what)


def _check_directory(book: Book) -> None:
    levels = book.levels
    used = int(levels.pages_used[0])
    numbers, places = levels.directory[:used, NUMBER], levels.directory[:, PLACE]
    _require(bool(np.all(np.diff(numbers) > 0)), f"pages are not in order: {numbers}")
    _require(sorted(places) == list(range(places.size)), f"pages share a place: {places}")
    _require(bool(np.all(levels.occupied[places[:used]] > 0)), "an empty page was not freed")
    _require(not np.any(levels.occupied[places[used:]]), "a free page has occupied prices")


def _check_queue(book: Book, ticks: int, level: int) -> None:
    head, tail, lots, count = (
        int(book.levels.rows[level, column]) for column in (HEAD, TAIL, LOTS, COUNT)
    )
    side = BUY if ticks <= book.state[BEST + BUY] else SELL
    before, row = NONE, head
    sizes: list[int] = []
    while row != NONE and len(sizes) < count:
        order = book.orders[row].tolist()
        _require(1 <= order[SIZE] <= LARGEST_LOTS, f"order {order[ID]} has {order[SIZE]} lots")
        _require((order[TICKS], order[SIDE]) == (ticks, side), f"order {order[ID]} is at {ticks}")
        _require(order[PREVIOUS] == before, f"the queue at {ticks} breaks at order {order[ID]}")
        sizes.append(order[SIZE])
        before, row = row, order[NEXT]
    _require((row, before) == (NONE, tail), f"the queue at {ticks} does not end at its tail")
    found = (sum(sizes), len(sizes))
    _require(found == (lots, count), f"{found} lots, orders at {ticks}; it says {lots}, {count}")


def _check_best_prices(book: Book, prices: list[int]) -> None:
    bid, ask = int(book.state[BEST + BUY]), int(book.state[BEST + SELL])
    _require(bid < ask, f"the book is crossed: {bid} >= {ask}")
    _require(bid in [NO_BID, *prices], f"the best bid {bid} is not occupied")
    _require(ask in [*prices, NO_ASK], f"the best ask {ask} is not occupied")
    between = [price for price in prices if bid < price < ask]
    _require(not between, f"{between} lie between the best prices {bid} and {ask}")


def _check_rows(book: Book, levels: list[int]) -> None:
    """Check that each row of orders is either in one queue or in the list of free rows."""
    resting = int(book.levels.rows[levels, COUNT].sum()) if levels else 0
    total = (int(book.levels.rows[:, COUNT].sum()), int(book.state[RESTING]))
    _require(total == (resting, resting), f"{total} orders counted, {resting} rest")
    free, row = 0, int(book.state[FREE])
    while row != NONE and free <= len(book.orders):
        _require(book.orders[row, SIZE] == 0, f"row {row} is free and has lots")
        free, row = free + 1, int(book.orders[row, NEXT])
    _require(free + resting == len(book.orders), f"{free} rows are free, {resting} orders rest")


def _check_ids(book: Book) -> None:
    """Check that the search for each id, from its first entry on, finds its row."""
    ids, mask = book.ids.tolist(), book.ids.size - 1
    shift = 64 - mask.bit_length()
    rows = np.flatnonzero(book.orders[:, SIZE]).tolist()
    _require(sorted(row for row in ids if row != NONE) == rows, "ids and orders differ")
    for row in rows:
        order_id = int(book.orders[row, ID])
        entry = (order_id * int(GOLDEN) & 2**64 - 1) >> shift
        while ids[entry] not in (row, NONE):
            entry = (entry + 1) & mask
        _require(ids[entry] == row, f"the id {order_id} cannot be found")


def _check_pool(book: Book) -> None:
    pooled = int(book.state[POOLED])
    rows = book.pool[:pooled]
    _require(book.orders[rows, POOL].tolist() == list(range(pooled)), "pool and orders differ")
    members = (book.orders[:, SIZE] > 0) & (book.orders[:, POOL] != NONE)
    _require(int(members.sum()) == pooled, f"{members.sum()} orders name one of {pooled} places")
