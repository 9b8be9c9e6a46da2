"""Samples for the truth, read from what was recorded."""

from dataclasses import replace

import numpy as np
import pytest

from archive.selections import Span
from exchange.flow.parameters import FlowParameters
from exchange.flow.tests.markets import message
from exchange.kinds import TRADES
from exchange.matching import BUY, SELL, Kind
from exchange.tests.recordedmarkets import LATER, PRICE, RecordedMarket
from exchange.truth.exact import sample_of
from exchange.truth.stretches import NoStretchError, read_books, read_stretch
from journal.pruning import prune
from quotes.models import Run

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
SLOTS = 700


@pytest.fixture
def market():
    return RecordedMarket()


def truth_of(made, first, last):
    """Return the sample of slots from what a market made, without the database."""
    seqs = made.quotes["seq"]
    within = (seqs >= first) & (seqs <= last)
    ticks = made.quotes["ticks"][(seqs >= first - 1) & (seqs <= last)]
    lengths = np.diff(np.append(made.regimes["first_seq"], len(seqs) + 1))
    phi = np.repeat(made.regimes["phi"], lengths)[within]
    lengths = np.diff(np.append(made.flow["first_slot"], len(seqs) + 1))
    kappa = np.repeat(made.flow["kappa"], lengths)
    slots = made.trades["slot"]
    trades = made.trades[(slots >= first) & (slots <= last)]
    return sample_of(ticks, phi, kappa[within], 1.5, first, trades)


def check(stretch, made, first, last):
    assert (stretch.first, stretch.last, stretch.slots) == (first, last, last - first + 1)
    expected = truth_of(made, first, last)
    for name in ("ticks", "phi", "kappa", "slot", "side", "price", "last_prints"):
        assert np.array_equal(getattr(stretch.sample, name), getattr(expected, name)), name
    ends = made.quotes["at"][first - 2 : last]
    assert np.array_equal(stretch.at, ends)


def test_a_stretch_is_what_the_market_made(market):
    made = market.record(SLOTS)
    stretch = read_stretch(market.instrument, 10_000)
    check(stretch, made, 2, SLOTS)  # nothing tells the price before the first slot
    assert len(set(stretch.sample.kappa)) > 1
    assert stretch.parameters == FlowParameters()
    assert stretch.account_trades == 0


def test_a_stretch_has_the_newest_slots_of_a_span(market):
    made = market.record(SLOTS)
    at = made.quotes["at"]
    check(read_stretch(market.instrument, 400), made, SLOTS - 399, SLOTS)
    span = Span(int(at[99]), int(at[599]))
    check(read_stretch(market.instrument, 10_000, span), made, 100, 599)
    check(read_stretch(market.instrument, 300, span), made, 300, 599)


def test_a_stretch_needs_slots(market):
    with pytest.raises(NoStretchError, match="ES has 0 slots with a recorded book here"):
        read_stretch(market.instrument, 10_000)
    made = market.record(SLOTS)
    for span in (Span(None, 5), Span(LATER), Span(int(made.quotes["at"][500]))):
        with pytest.raises(NoStretchError, match="a comparison with the truth needs 300"):
            read_stretch(market.instrument, 10_000, span)


def test_a_stretch_begins_where_trades_are_kept(market):
    made = market.record(SLOTS)
    kept = made.trades[made.trades["slot"] == 150][1]
    prune(TRADES, market.instrument.pk, int(kept["seq"]) - 1)
    check(read_stretch(market.instrument, 10_000), made, 151, SLOTS)


def test_a_stretch_is_of_one_run_of_the_law(market):
    made = market.record(SLOTS)
    run = Run.objects.get()
    run.pk, run.first_seq = None, 201
    run.save()
    check(read_stretch(market.instrument, 10_000), made, 202, SLOTS)


def test_a_stretch_has_one_set_of_flow_parameters(market):
    market.record(350)
    market.run.advance(LATER, 1)
    other = FlowParameters(theta=0.1)
    market.run.choose(replace(market.market.options, parameters=other, informed=0.3))
    market.record(SLOTS)
    stretch = read_stretch(market.instrument, 10_000)
    assert (stretch.first, stretch.parameters) == (352, other)
    assert set(stretch.sample.kappa) == {0.3}


def test_trades_of_accounts_are_counted(market):
    market.record(SLOTS)
    reports = market.run.send(message(Kind.MARKET, -1, BUY, lots=1, owner=1))
    market.run.advance(LATER, 1)
    market.store()
    assert len(reports) == 2
    assert read_stretch(market.instrument, 10_000).account_trades == 1


def test_books_are_those_just_before_the_steps(market):
    market.record(SLOTS)
    market.run.advance(market.market.at + market.market.interval_us // 2 - 1)
    bids, asks = market.market.levels(BUY, 1_000), market.market.levels(SELL, 1_000)
    mark, slot = market.market.mark, market.market.position.slot
    market.run.advance(LATER, 1)
    market.store()
    stretch = read_stretch(market.instrument, 10_000)
    assert stretch.last == slot
    books = read_books(stretch, 50)
    assert len(books.slot) == 50
    assert books.slot[0] == 200  # of orders posted before, few are left
    assert books.slot[-1] == slot - stretch.first
    assert books.spread[-1] == asks["ticks"][0] - bids["ticks"][0]
    near = asks[asks["ticks"] <= mark + 200]
    assert np.array_equal(np.flatnonzero(books.lots[-1, 1]), np.sort(near["ticks"] - mark))
    assert books.lots[-1, 1].sum() == near["lots"].sum()
    assert abs(mark - PRICE) < SLOTS
