"""Books read back from the database equal a slow reference at every moment."""

import numpy as np
import pytest

from exchange.depth import recording
from exchange.depth.depthbook import DepthBook
from exchange.depth.history import book_at, changes_between, first_at, resumed_writer
from exchange.matching import BUY, SELL
from exchange.tests.reference import both_sides, naive_book
from rig.books import blocks_of, make_updates, record_book, store
from rig.histories import make_instrument

pytestmark = pytest.mark.django_db


@pytest.fixture
def es():
    return make_instrument("ES")


def moments(updates, blocks, count=40):
    """Return times of updates, ends of blocks and times one microsecond beside both."""
    rng = np.random.default_rng(3)
    times = np.concatenate((updates["at"], blocks["at"]))
    chosen = rng.choice(times[times >= blocks["at"][0]], count)
    return (chosen + rng.integers(-1, 2, count)).clip(int(blocks["at"][0])).tolist()


@pytest.mark.parametrize("sizes", [(1,), (7, 1, 30), (400,)])
def test_the_book_of_any_moment_is_exact_to_the_microsecond(es, monkeypatch, sizes):
    monkeypatch.setattr(recording, "SNAPSHOT_BLOCKS", 5)
    updates, blocks = record_book(es, 2_000, sizes)
    for at in moments(updates, blocks):
        found = book_at(es.pk, at)
        assert both_sides(found.book) == naive_book(updates, at).both
        assert found.seq == np.searchsorted(blocks["at"], at, "right")
        assert found.at == min(at, blocks["at"][-1])


def test_many_blocks_and_snapshots_may_end_at_the_same_moment(es, monkeypatch):
    monkeypatch.setattr(recording, "SNAPSHOT_BLOCKS", 3)
    updates = make_updates(300)
    updates["at"] = updates["at"][0] + np.arange(300) // 100
    store(es, blocks_of(updates, es))
    for at in (0, 1, 2):
        moment = int(updates["at"][0]) + at
        assert both_sides(book_at(es.pk, moment).book) == naive_book(updates, moment).both


def test_now_is_after_all_stored_blocks(es):
    updates, blocks = record_book(es, 3_000)
    found = book_at(es.pk)
    assert both_sides(found.book) == naive_book(updates).both
    assert (found.seq, found.at) == (len(blocks), blocks["at"][-1])


def test_there_is_no_book_before_the_first_block_ends(es):
    assert (book_at(es.pk), first_at(es.pk)) == (None, None)
    _, blocks = record_book(es, 100)
    first = int(blocks["at"][0])
    assert first_at(es.pk) == first
    assert book_at(es.pk, first - 1) is None
    assert book_at(es.pk, first).seq == 1


def test_books_of_other_instruments_do_not_mix(es):
    nq = make_instrument("NQ")
    mine, _ = record_book(es, 500, seed=1)
    theirs, _ = record_book(nq, 700, seed=2)
    assert both_sides(book_at(es.pk).book) == naive_book(mine).both
    assert both_sides(book_at(nq.pk).book) == naive_book(theirs).both


def test_a_writer_resumes_from_the_stored_blocks(es):
    updates = make_updates(900)
    assert resumed_writer(es.pk).seq == 0
    store(es, blocks_of(updates[:500], es))
    writer = resumed_writer(es.pk)
    assert writer.seq == 50
    store(es, blocks_of(updates[500:], es, writer=writer))
    assert both_sides(book_at(es.pk).book) == naive_book(updates).both


def test_the_changes_between_two_moments_are_the_updates(es, monkeypatch):
    monkeypatch.setattr(recording, "SNAPSHOT_BLOCKS", 5)
    updates, blocks = record_book(es, 1_000, (7, 1, 30))
    times = moments(updates, blocks, 20)
    for start, end in zip(times[::2], times[1::2], strict=True):
        start, end = sorted((start, end))
        found = changes_between(es.pk, start, end)
        assert both_sides(found.book) == naive_book(updates, start).both
        expected = updates[(updates["at"] > start) & (updates["at"] <= end)]
        assert [row.tolist()[:4] for row in found.updates] == [row.tolist()[:4] for row in expected]
    assert changes_between(es.pk, int(blocks["at"][0]) - 1, times[0]) is None


def test_following_a_book_notes_its_best_prices():
    updates, book = make_updates(500), DepthBook()
    bests = DepthBook().follow(updates)
    for i in range(len(updates)):
        book.apply(updates[i : i + 1])
        bid, ask = book.levels(BUY, 1), book.levels(SELL, 1)
        expected = [int(column[0]) if len(column) else 0 for column in (*bid, *ask)]
        assert bests[i].tolist() == expected
