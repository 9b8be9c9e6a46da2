"""The paper venue: latency, fees, reports, reduce-only orders, and what is stored of it."""

import json
from dataclasses import replace

import pytest

from exchange.clearing.fees import Fees
from exchange.engine.messages import BUY, SELL
from trading.brokers.papervenue import KEPT, PaperVenue
from venues.brokers import (
    ExecutionSeen,
    Instruction,
    OrderSeen,
    RefusedError,
    Style,
    VenueState,
)

TICK_VALUE = 1_000_000
FEES = Fees(taker_ppm=500, maker_ppm=100)
LATENCY_US = 50


@pytest.fixture
def venue() -> PaperVenue:
    """Bids 10 at 99, asks 10 at 101, at time 0."""
    venue = PaperVenue({"ES": TICK_VALUE}, balance=10**12, fees=FEES, latency_us=LATENCY_US)
    venue.level("ES", BUY, 99, 10, at=0)
    venue.level("ES", SELL, 101, 10, at=0)
    return venue


def limit(name: str, side: int, lots: int, ticks: int, **more: bool) -> Instruction:
    return Instruction(
        client_id=name, symbol="ES", side=side, style=Style.LIMIT, lots=lots, ticks=ticks, **more
    )


def states(venue: PaperVenue, name: str) -> list[VenueState]:
    return [
        each.report.state
        for each in venue.changes
        if isinstance(each, OrderSeen) and each.client_id == name
    ]


def test_an_order_arrives_after_the_latency(venue: PaperVenue) -> None:
    venue.place(limit("a", BUY, 5, 101), at=100)
    venue.advance(149)
    assert venue.is_waiting("a")
    venue.level("ES", SELL, 101, 2, at=149)  # most of it is gone before the order arrives
    venue.advance(150)
    seen = venue.order("a")
    assert (seen.report.state, seen.report.filled) == (VenueState.WORKING, 2)


def test_makers_and_takers_pay_their_fees(venue: PaperVenue) -> None:
    venue.place(limit("taker", BUY, 4, 101), at=0)
    venue.place(limit("maker", SELL, 4, 103), at=0)
    venue.trade("ES", BUY, 103, 4, at=100)
    taken, made = [each for each in venue.changes if isinstance(each, ExecutionSeen)]
    assert (taken.is_maker, taken.fee) == (False, 4 * 101 * TICK_VALUE * 500 // 10**6)
    assert (made.is_maker, made.fee) == (True, 4 * 103 * TICK_VALUE * 100 // 10**6)
    assert made.realised == 4 * 2 * TICK_VALUE
    assert venue.balance().balance == 10**12 + made.realised - taken.fee - made.fee
    assert venue.balance().equity == venue.balance().balance


def test_placing_again_makes_no_second_order(venue: PaperVenue) -> None:
    for _ in range(2):
        venue.place(limit("a", BUY, 5, 98), at=0)
        venue.advance(100)
    assert states(venue, "a") == [VenueState.WORKING]
    with pytest.raises(RefusedError, match="named another order"):
        venue.place(limit("a", BUY, 6, 98), at=200)


def test_a_reduce_only_order_follows_the_position(venue: PaperVenue) -> None:
    venue.place(limit("none", SELL, 5, 105, reduce_only=True), at=0)
    venue.place(limit("entry", BUY, 5, 101), at=0)
    venue.place(limit("exit", SELL, 9, 105, reduce_only=True), at=0)
    venue.advance(100)
    assert states(venue, "none") == [VenueState.REJECTED]
    assert venue.order("exit").report.lots == 5
    venue.place(limit("half", SELL, 2, 99), at=200)
    venue.advance(300)
    assert venue.order("exit").report.lots == 3
    venue.place(limit("rest", SELL, 3, 99), at=400)
    venue.advance(500)
    assert states(venue, "exit")[-1] is VenueState.CANCELLED


def test_an_amendment_that_crosses_trades(venue: PaperVenue) -> None:
    venue.place(limit("a", BUY, 5, 98), at=0)
    venue.amend("a", lots=6, ticks=101, at=100)
    venue.advance(200)
    assert states(venue, "a") == [VenueState.WORKING, VenueState.FILLED]
    assert venue.order("a").report.filled == 6


def test_an_amendment_of_a_post_only_order_that_would_trade_cancels_the_rest(
    venue: PaperVenue,
) -> None:
    venue.place(replace(limit("a", BUY, 5, 100), style=Style.POST_ONLY), at=0)
    venue.trade("ES", SELL, 100, 2, at=100)
    venue.amend("a", lots=5, ticks=101, at=100)
    venue.advance(200)
    seen = venue.order("a")
    assert (seen.report.state, seen.report.filled) == (VenueState.CANCELLED, 2)
    assert seen.reason == "a post-only order at 101 would trade at 101"


def test_an_amended_reduce_only_order_cannot_reverse_the_position(venue: PaperVenue) -> None:
    venue.place(limit("entry", BUY, 2, 101), at=0)
    venue.place(limit("exit", SELL, 2, 105, reduce_only=True), at=0)
    venue.amend("exit", lots=9, ticks=99, at=100)
    venue.advance(200)
    (position,) = venue.positions()
    assert (venue.order("exit").report.filled, position.lots) == (2, 0)


def test_orders_that_ended_first_are_forgotten_first(venue: PaperVenue) -> None:
    names = ["old", *(f"new{n}" for n in range(KEPT + 1))]
    for name in names:
        venue.place(limit(name, BUY, 1, 90), at=0)
    venue.advance(100)
    for name in reversed(names):
        venue.cancel(name, at=100)
    venue.advance(200)
    stored = [each["sent"]["client_id"] for each in venue.as_json(counted=0)["orders"]]
    assert stored == names[:KEPT]


def test_cancelling_what_has_ended_changes_nothing(venue: PaperVenue) -> None:
    venue.place(limit("a", BUY, 5, 101), at=0)
    venue.cancel("a", at=1)
    venue.advance(100)
    assert states(venue, "a") == [VenueState.FILLED]


def test_a_stored_venue_continues_where_it_was(venue: PaperVenue) -> None:
    venue.place(limit("taken", BUY, 4, 101), at=0)
    venue.place(limit("rests", SELL, 4, 103, reduce_only=True), at=0)
    venue.advance(100)
    venue.cancel("rests", at=100)
    stored = json.loads(json.dumps(venue.as_json(counted=0)))
    restored = PaperVenue({"ES": TICK_VALUE}, balance=10**12, fees=FEES, latency_us=LATENCY_US)
    for side, ticks in ((BUY, 99), (SELL, 101)):
        restored.markets["ES"].book.show(side, ticks, 10)
    restored.restore(stored)
    for each in (venue, restored):
        each.trade("ES", BUY, 103, 1, at=110)
        each.place(limit("more", BUY, 9, 101), at=110)
        each.advance(200)
    assert restored.order("more").report.filled == 6
    assert restored.as_json(counted=0) == venue.as_json(counted=0)
    assert (restored.positions(), restored.balance()) == (venue.positions(), venue.balance())
