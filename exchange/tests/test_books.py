"""The book, compared with a dictionary per side, and the blocks that record it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.depth.blocks import UPDATE, decode_all
from exchange.depth.depthbook import DepthBook, book_of
from exchange.depth.recording import SNAPSHOT_BLOCKS, BlockWriter
from exchange.engine.messages import BUY, SELL
from exchange.flow.tests.markets import open_market
from exchange.tests.reference import both_sides, naive_book
from rig.books import START, make_updates

ROWS = st.lists(
    st.tuples(
        st.just(START),
        st.sampled_from([1, -1]),
        st.one_of(st.integers(-5, 5), st.sampled_from([-(2**63), 2**63 - 1])),
        st.sampled_from([0, 0, 1, 2, 2**63 - 1]),
    ),
    max_size=60,
)


@given(rows=ROWS)
def test_updates_make_the_naive_book(rows):
    updates = np.array(rows, UPDATE)
    book = book_of(updates)
    assert both_sides(book) == naive_book(updates).both
    assert both_sides(book_of(book.snapshot())) == both_sides(book)
    assert len(book) == sum(map(len, both_sides(book)))


def test_best_levels():
    updates = make_updates(2_000)
    book, naive = book_of(updates), naive_book(updates)
    assert book.best(BUY) == naive.levels(BUY)[0][0]
    assert book.levels(SELL, 3).ticks.tolist() == [ticks for ticks, _ in naive.levels(SELL, 3)]
    assert DepthBook().best(SELL) is None


def test_a_book_grows_to_any_number_of_levels():
    updates = np.zeros(5_000, UPDATE)
    updates["side"], updates["lots"], updates["ticks"] = SELL, 1, np.arange(5_000)[::-1]
    assert book_of(updates, updates[:10]).levels(SELL).ticks.tolist() == list(range(5_000))


def write(writer, updates, size):
    """Return the records of blocks of `size` updates."""
    blocks = []
    for start in range(0, len(updates), size):
        part = updates[start : start + size]
        writer.add(part)
        last = part[-1]
        blocks.append(writer.take(int(last["at"]), int(last["slot"]), int(last["event"])))
    return np.concatenate(blocks)


def test_blocks_are_numbered_and_begin_with_a_snapshot():
    updates = make_updates(3_000)
    writer = BlockWriter(7, seq=4)
    blocks = write(writer, updates, 10)
    assert blocks["seq"].tolist() == list(range(5, 305))
    assert np.flatnonzero(blocks["is_snapshot"]).tolist() == [0, SNAPSHOT_BLOCKS]
    assert set(blocks["instrument"].tolist()) == {7}
    assert blocks["updates"].sum() == 3_000
    assert blocks["slot"][-1], blocks["event"][-1] == (updates["slot"][-1], updates["event"][-1])
    assert writer.seq == 304
    assert writer.pending == 0


def test_the_book_can_be_rebuilt_from_every_snapshot():
    updates = make_updates(40_000)
    blocks = write(BlockWriter(1), updates, 100)
    snapshots = np.flatnonzero(blocks["is_snapshot"])
    assert len(snapshots) > 2  # after enough updates as well as after enough blocks
    for first in snapshots:
        rest = blocks[first:]
        found = decode_all(rest["data"].tolist(), rest["at"])
        assert both_sides(book_of(found.levels, found.updates)) == naive_book(updates).both


def test_too_many_updates_become_several_blocks():
    updates = make_updates(10_000)
    writer = BlockWriter(1)
    writer.add(updates[:6_000])
    writer.add(updates[6_000:])
    assert writer.pending == 10_000
    blocks = writer.take(int(updates["at"][-1]) + 9, 200, 0)
    assert blocks["updates"].tolist() == [4096, 4096, 1808]
    assert blocks["slot"].tolist() == [*updates["slot"][[4095, 8191]], 200]
    assert blocks["at"][-1] == updates["at"][-1] + 9
    found = decode_all(blocks["data"].tolist(), blocks["at"])
    assert (found.updates["at"] == updates["at"]).all()


def test_blocks_of_a_simulated_market_make_the_book_of_its_engine():
    market, writer, blocks = open_market(), BlockWriter(1), []
    for _ in range(40):
        writer.add(market.advance(market.at + 210_000).updates)
        blocks.append(writer.take(market.at, *market.position))
    records = np.concatenate(blocks)
    found = decode_all(records["data"].tolist(), records["at"])
    book = book_of(found.levels, found.updates)
    for side in (BUY, SELL):
        levels = market.levels(side, 1_000)
        assert book.levels(side).ticks.tolist() == levels["ticks"].tolist()
        assert book.levels(side).lots.tolist() == levels["lots"].tolist()


def test_a_block_may_hold_nothing_but_its_position():
    writer = BlockWriter(1)
    (block,) = writer.take(START, 3, 5)
    assert (block["slot"], block["event"], block["updates"]) == (3, 5, 0)


def test_a_writer_continues_a_stored_book():
    updates = make_updates(1_000)
    first = BlockWriter(1)
    write(first, updates[:500], 50)
    second = BlockWriter(1, first.seq, first.book)
    blocks = write(second, updates[500:], 50)
    assert blocks["is_snapshot"].tolist() == [1] + [0] * 9
    found = decode_all(blocks["data"].tolist(), blocks["at"])
    assert both_sides(book_of(found.levels, found.updates)) == naive_book(updates).both
    second.add(updates[:10])
    with pytest.raises(ValueError, match="ascend in time"):
        second.take(START, 1, 1)
