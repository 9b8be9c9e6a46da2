"""Messages to the matching engine, and engines that start as small as they can."""

import numpy as np

from exchange.engine.orderbook import new_book
from exchange.matching import BUY, MESSAGE, SELL, Kind, MatchingEngine, TimeInForce

NEW, CANCEL, REPLACE, REDUCE, MARKET = Kind
GTC, IOC, FOK, POST_ONLY = TimeInForce


def new(order_id, side, ticks, lots, tif=GTC, owner=0):
    return (NEW, side, tif, order_id, owner, ticks, lots)


def market(order_id, side, lots, owner=0):
    return (MARKET, side, GTC, order_id, owner, 0, lots)


def cancel(order_id):
    return (CANCEL, 0, 0, order_id, 0, 0, 0)


def replace(order_id, ticks, lots):
    return (REPLACE, 0, 0, order_id, 0, ticks, lots)


def reduce(order_id, lots):
    return (REDUCE, 0, 0, order_id, 0, 0, lots)


def tape(*messages):
    return np.array(list(messages), MESSAGE)


def small_engine(**rules):
    """Return an engine whose arrays have to grow with the second order and the second page."""
    engine = MatchingEngine(**rules)
    engine.book = new_book(orders=1, pages=1)
    return engine


def random_tape(rng, count, prices, ids, owners):
    """Return messages of all kinds; four in five are passive, one in twenty is altered."""
    messages = np.zeros(count, MESSAGE)
    messages["kind"] = rng.choice(list(Kind), count, p=[0.6, 0.16, 0.12, 0.08, 0.04])
    messages["side"] = rng.choice([BUY, SELL], count)
    messages["tif"] = rng.choice(list(TimeInForce), count, p=[0.7, 0.1, 0.1, 0.1])
    messages["order_id"] = rng.choice(ids, count)
    messages["owner"] = rng.choice(owners, count)
    low, high = (rng.choice(half, count) for half in np.array_split(prices, 2))
    passive = np.where(messages["side"] == BUY, low, high)
    messages["ticks"] = np.where(rng.random(count) < 0.8, passive, rng.choice(prices, count))
    messages["lots"] = rng.integers(1, 9, count, endpoint=True)
    names = rng.choice(MESSAGE.names, count)
    values = rng.choice([-(2**63), -1, 0, 2, 5, 2**40, 2**40 + 1, 2**62, 2**63 - 1], count)
    for i in np.flatnonzero(rng.random(count) < 0.05):
        messages[names[i]][i] = values[i]
    return messages
