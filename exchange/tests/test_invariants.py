"""`check` finds every kind of damage to a book."""

import numpy as np
import pytest

from exchange.engine.idtable import ID
from exchange.engine.invariants import CorruptBookError
from exchange.engine.orderbook import (
    BEST,
    FREE,
    NEXT,
    POOL,
    POOLED,
    PREVIOUS,
    RESTING,
    SIDE,
    SIZE,
    TICKS,
)
from exchange.engine.pricelevels import COUNT, HEAD, LOTS, NO_BID, NUMBER, TAIL, occupied_prices
from exchange.matching import BUY, SELL
from exchange.tests.tapes import new, small_engine, tape

# Rows 0 ... 4 hold these orders; rows 5 ... 7 are free.
ORDERS = [
    new(10, BUY, 99, 5),
    new(11, BUY, 99, 6),
    new(12, BUY, 20, 7),
    new(13, SELL, 101, 8),
    new(14, SELL, 900, 9),
]


@pytest.fixture
def engine():
    engine = small_engine()
    engine.process(tape(*ORDERS))
    engine.check()
    return engine


DAMAGE = {
    "has 0 lots": lambda book: book.orders.__setitem__((0, SIZE), 0),
    "order 12 is at 20": lambda book: book.orders.__setitem__((2, TICKS), 21),
    "order 13 is at 101": lambda book: book.orders.__setitem__((3, SIDE), BUY),
    "breaks at order 11": lambda book: book.orders.__setitem__((1, PREVIOUS), 2),
    "does not end at its tail": lambda book: level(book, 99).__setitem__(TAIL, 0),
    "lots, orders at 99": lambda book: level(book, 99).__setitem__(LOTS, 12),
    "lots, orders at 900": lambda book: level(book, 900).__setitem__(COUNT, 2),
    "the queue at 20": lambda book: level(book, 20).__setitem__(HEAD, -1),
    "the book is crossed": lambda book: book.state.__setitem__(BEST + BUY, 102),
    "the best bid 98 is not occupied": lambda book: book.state.__setitem__(BEST + BUY, 98),
    "lie between the best prices 0": lambda book: book.state.__setitem__(BEST + BUY, NO_BID),
    "the best ask 500 is not": lambda book: book.state.__setitem__(BEST + SELL, 500),
    "lie between the best prices 99 and 900": lambda book: book.state.__setitem__(BEST + SELL, 900),
    "orders counted, 5 rest": lambda book: book.state.__setitem__(RESTING, 6),
    "rows are free": lambda book: book.state.__setitem__(FREE, book.orders[book.state[FREE], NEXT]),
    "is free and has lots": lambda book: book.orders.__setitem__((5, SIZE), 3),
    "the id 77 cannot be found": lambda book: book.orders.__setitem__((3, ID), 77),
    "ids and orders differ": lambda book: book.ids.__setitem__(book.ids == 4, -1),
    "pages are not in order": lambda book: book.levels.directory.__setitem__((0, NUMBER), 9),
    "pages share a place": lambda book: book.levels.directory.__setitem__((slice(0, 2), 1), 1),
    "an empty page was not freed": lambda book: book.levels.occupied.__setitem__(0, 0),
    "a free page has": lambda book: book.levels.pages_used.__setitem__(0, 2),
    "pool and orders differ": lambda book: book.state.__setitem__(POOLED, 1),
    "name one of 0 places": lambda book: book.orders.__setitem__((2, POOL), 0),
}


def level(book, ticks):
    prices, rows = occupied_prices(book.levels)
    return book.levels.rows[rows[np.flatnonzero(prices == ticks)[0]]]


@pytest.mark.parametrize("message", DAMAGE)
def test_damage_is_found(engine, message):
    DAMAGE[message](engine.book)
    with pytest.raises(CorruptBookError, match=message):
        engine.check()
