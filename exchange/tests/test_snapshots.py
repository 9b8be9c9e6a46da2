"""Snapshots of the matching engine."""

import numpy as np
import pytest

from exchange.engine.orderbook import POOL, POOLED
from exchange.engine.snapshots import HEADER
from exchange.matching import BUY, SELL, MatchingEngine, SelfTradePrevention, SnapshotError
from exchange.tests.tapes import cancel, market, new, random_tape, small_engine, tape


@pytest.fixture
def engine():
    engine = small_engine(capacity=500, self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST)
    rng = np.random.default_rng(1)
    engine.process(random_tape(rng, 1_000, np.arange(1, 200), np.arange(400), [0, 1]))
    return engine


def test_restored_engine_goes_on_as_the_original_would(engine):
    messages = random_tape(np.random.default_rng(2), 500, np.arange(1, 200), np.arange(400), [0, 1])
    restored = MatchingEngine.restore(engine.snapshot())
    assert restored.process(messages).tolist() == engine.process(messages).tolist()
    assert restored.snapshot() == engine.snapshot()


def test_rules_are_restored(engine):
    restored = MatchingEngine.restore(engine.snapshot())
    assert restored.capacity == 500
    assert restored.self_trade_prevention == SelfTradePrevention.CANCEL_OLDEST


def test_empty_book():
    restored = MatchingEngine.restore(MatchingEngine().snapshot())
    assert restored.best(BUY) is None
    restored.check()


def test_equal_books_have_equal_snapshots_whatever_their_past():
    one, other = MatchingEngine(), small_engine()
    one.process(tape(new(1, BUY, 99, 2), new(2, SELL, 101, 3)))
    other.process(tape(new(5, SELL, 300, 1), new(2, SELL, 101, 4), new(3, BUY, 99, 1)))
    other.process(tape(cancel(3), new(1, BUY, 99, 2), market(7, BUY, 1), cancel(5)))
    assert other.snapshot() == one.snapshot()


def test_places_in_the_pool_are_restored(engine):
    put_every_third_in_pool(engine.book)
    restored = MatchingEngine.restore(engine.snapshot())
    restored.check()
    assert pool_ids(restored.book) == pool_ids(engine.book)
    assert len(pool_ids(engine.book)) > 20


def put_every_third_in_pool(book):
    rows = np.flatnonzero(book.orders[:, 2])[::-3]
    book.orders[rows, POOL] = np.arange(rows.size)
    book.pool[: rows.size] = rows
    book.state[POOLED] = rows.size


def pool_ids(book):
    return book.orders[book.pool[: book.state[POOLED]], 0].tolist()


def test_damaged_snapshots_are_refused(engine):
    snapshot = engine.snapshot()
    flipped = bytearray(snapshot)
    flipped[-9] ^= 4
    for damaged in (snapshot[:-8], snapshot + b"\0", bytes(flipped)):
        with pytest.raises(SnapshotError, match="truncated or damaged"):
            MatchingEngine.restore(damaged)
    for foreign in (b"", b"PTBOOK01", b"PTBOOK99" + snapshot[8:]):
        with pytest.raises(SnapshotError, match="a snapshot begins with"):
            MatchingEngine.restore(foreign)


def test_snapshot_of_orders_that_cannot_rest_together_is_refused():
    bids, asks = MatchingEngine(), MatchingEngine()
    bids.process(tape(new(1, BUY, 100, 1)))
    asks.process(tape(new(1, BUY, 100, 1), new(2, SELL, 101, 1)))
    asks.book.orders[1, 1] = 100
    with pytest.raises(SnapshotError, match="cannot rest in one book"):
        MatchingEngine.restore(asks.snapshot())
    assert len(bids.snapshot()) == HEADER.size + 48
