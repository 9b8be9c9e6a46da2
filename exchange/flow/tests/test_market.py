import math

import numpy as np
import pytest

from exchange.depth.depthbook import DepthBook
from exchange.engine.snapshots import SnapshotError
from exchange.flow.advances import joined
from exchange.flow.market import BookMarket, Position
from exchange.flow.parameters import FlowParameters
from exchange.flow.tests.markets import (
    SECOND,
    Crowd,
    last_trades,
    law_of,
    message,
    open_market,
    run_with,
    same,
)
from exchange.matching import BUY, SELL, Kind, Outcome
from quotes.law.randomwalk import WalkState
from quotes.law.walker import Start, Walker

MARKET_ORDERS = 2


@pytest.mark.parametrize(("price", "phi"), [(20_000, -0.8), (20_000, 0.8), (3, 0.0)])
@pytest.mark.parametrize("per_slot", [0.05, 8])
def test_the_last_trade_of_a_slot_is_the_law_whatever_accounts_do(price, phi, per_slot, request):
    slots = 3_000 if request.config.getoption("long") else 200
    market = open_market(law_of(5, phi, price), informed=0.3)

    def never_crossed():
        bid, ask = market.best(BUY), market.best(SELL)
        assert bid is None or ask is None or bid < ask

    made = run_with(Crowd(6, per_slot, market), market, slots, never_crossed)
    market.engine.check()
    assert np.array_equal(last_trades(made), made.quotes["ticks"])
    assert market.last == market.mark == made.quotes["ticks"][-1]


def test_quotes_and_regimes_are_those_of_the_walker():
    law = law_of()
    market = open_market(law)
    made = joined([market.run_slots(n) for n in (1, 250, 1, 3)])
    quotes, regimes = Walker(law, 1, law.start).take(255)
    assert np.array_equal(made.quotes, quotes.rows)
    assert np.array_equal(made.regimes, regimes.rows)
    assert len(made.regimes) > 3


def test_one_flow_record_per_regime_tells_its_share():
    market = open_market()
    made = market.run_slots(3_000)
    assert np.array_equal(made.flow["first_slot"], made.regimes["first_seq"])
    assert np.array_equal(made.flow["at"], made.regimes["at"])
    assert made.flow["seq"].tolist() == list(range(1, len(made.flow) + 1))
    assert set(made.flow["kappa"]) == {0.0, 0.15, 0.3}
    assert set(made.flow["theta"]) == {0.05}


def test_a_book_that_opens_within_a_regime_records_the_flow_at_its_first_slot():
    law = law_of()
    walker = Walker(law, 1, law.start)
    walker.take(8)
    market = BookMarket.open(Start(law, 9, walker.state))
    made = joined([market.run_slots(1) for _ in range(200)])
    assert made.flow["first_slot"].tolist() == [9, *made.regimes["first_seq"].tolist()]
    whole = open_market(law).run_slots(208)
    assert made.flow["kappa"].tolist() == whole.flow["kappa"].tolist()


def test_parts_equal_the_whole_wherever_time_is_cut():
    whole = run_with(Crowd(3, 2, market := open_market()), market, 150)
    market, rng = open_market(), np.random.default_rng(8)
    crowd = Crowd(3, 2, market)
    parts = []
    while True:
        due = crowd.wait()
        while market.at < due and market.position.slot <= 150:
            at = min(due, market.at + int(rng.exponential(SECOND / 3)))
            parts.append(market.advance(at, 151 - market.position.slot))
            if rng.random() < 0.2:
                market = BookMarket.restore(market.snapshot())
        if market.position.slot == 151:
            break
        parts.append(market.execute(crowd.next_message(market.mark))[1])
    assert same(joined(parts), whole)


def test_messages_at_their_positions_repeat_history():
    market = open_market()
    first = market.run_slots(5)
    checkpoint = market.snapshot()
    crowd, log, parts = Crowd(4, 3, market), [], []
    for _ in range(200):
        parts.append(market.advance(crowd.wait()))
        log.append((market.position, market.at, crowd.next_message(market.mark)))
        parts.append(market.execute(log[-1][2])[1])
    again = BookMarket.restore(checkpoint)
    repeated = []
    for position, at, sent in log:
        repeated += [again.advance_to(position), again.execute(sent, at)[1]]
        assert again.position == position
    assert same(joined(repeated), joined(parts))
    assert again.snapshot() == market.snapshot()
    assert len(first.quotes) == 5


def test_a_damaged_snapshot_is_refused():
    snapshot = open_market().snapshot()
    for damaged in (b"", b"12345", b"\x09" + snapshot[1:], snapshot[:50], snapshot[:-1]):
        with pytest.raises(SnapshotError):
            BookMarket.restore(damaged)


def test_orders_before_the_first_advance_find_the_opening_book():
    market = open_market()
    many = np.concatenate([message(Kind.NEW, -i, BUY, 10_000 + i, 1) for i in range(1, 9_000)])
    _, made = market.execute(many)
    book = DepthBook()
    book.apply(made.updates)
    assert len(book) > 9_000
    made = market.run_slots(20)
    assert np.array_equal(last_trades(made), made.quotes["ticks"])


def test_the_position_after_the_last_event_of_a_slot_is_that_before_the_next_slot():
    made = open_market().run_slots(1)
    last = made.updates[-1]
    market = open_market()
    market.advance_to(Position(int(last["slot"]), int(last["event"])))
    assert market.position == (2, 0)


def market_orders(made):
    """Return id, time and side of the market orders of the flow."""
    trades = made.trades
    chosen = trades[(trades["taker"] > 0) & ((trades["taker"] >> 13) % 8 == MARKET_ORDERS)]
    return sorted({tuple(row) for row in chosen[["taker", "at", "side"]].tolist()})


def test_accounts_change_no_draw_of_the_flow():
    alone = open_market(informed=0.3).run_slots(200)
    market = open_market(informed=0.3)
    together = run_with(Crowd(9, 3, market), market, 200)
    assert market_orders(together) == market_orders(alone)
    assert len(market_orders(alone)) > 300
    assert same(together.with_rows(trades=alone.trades, updates=alone.updates), alone)


def test_the_informed_share_changes_only_the_sides_of_informed_orders():
    none, some, more = (
        market_orders(open_market(informed=k).run_slots(400)) for k in (0, 0.15, 0.3)
    )
    assert (
        [order[:2] for order in none]
        == [order[:2] for order in some]
        == [order[:2] for order in more]
    )
    differs = [a != b for a, b in zip(none, some, strict=True)]
    assert 0.03 < np.mean(differs) < 0.12
    assert all(b == c for a, b, c in zip(none, some, more, strict=True) if a != b)


def test_updates_make_the_book():
    market = open_market()
    made = run_with(Crowd(2, 2, market), market, 100)
    book = DepthBook()
    book.apply(made.updates)
    for side in (BUY, SELL):
        levels = market.levels(side, 10_000)
        assert np.array_equal(book.levels(side).ticks, levels["ticks"])
        assert np.array_equal(book.levels(side).lots, levels["lots"])
    positions = made.updates[["slot", "event"]].tolist()
    assert positions == sorted(positions)
    assert (np.diff(made.updates["at"]) >= 0).all()


def test_trades_are_numbered_and_ascend_in_time():
    market = open_market()
    made = run_with(Crowd(2, 2, market), market, 100)
    assert made.trades["seq"].tolist() == list(range(1, len(made.trades) + 1))
    assert (np.diff(made.trades["at"]) >= 0).all()
    assert (made.trades["lots"] > 0).all()
    assert set(made.trades["instrument"]) == {1}


def test_another_run_of_the_law_moves_the_same_book():
    market = open_market()
    market.advance(market.at + 7 * SECOND + SECOND // 2)
    slot, event = market.position
    assert event > 0
    levels = market.levels(BUY, 50)
    later = market.at + 3_600 * SECOND
    law = law_of(
        seed=2, price=market.mark, first_seq=slot, interval_us=SECOND // 10, started_at=later
    )
    market.begin_run(Start(law, slot, law.start))
    assert np.array_equal(market.levels(BUY, 50), levels)
    copy = BookMarket.restore(market.snapshot())
    made = market.run_slots(100)
    assert np.array_equal(made.quotes, Walker(law, slot, law.start).take(100)[0].rows)
    assert np.array_equal(last_trades(made), made.quotes["ticks"])
    assert made.updates["event"][0] > event
    assert made.trades["at"][0] >= later - SECOND // 10
    assert same(copy.run_slots(100), made)
    market.engine.check()


def test_a_run_must_continue_where_the_market_is():
    market = open_market()
    law = law_of(first_seq=2)
    with pytest.raises(ValueError, match="run from slot 2 at 20000 ticks: the market is in slot 1"):
        market.begin_run(Start(law, 2, law.start))
    law = law_of(price=5)
    with pytest.raises(ValueError, match="run from slot 1 at 5 ticks"):
        market.begin_run(Start(law, 1, law.start))


def test_a_bid_at_one_tick_can_be_sold_to():
    market = open_market(law_of(price=1), informed=0)
    market.run_slots(3)
    reports, _ = market.execute(message(Kind.NEW, -1, SELL, 1, 10**6))
    assert reports["outcome"][-1] in (Outcome.ACCEPTED, Outcome.FILLED)
    made = market.run_slots(50)
    assert np.array_equal(last_trades(made), made.quotes["ticks"])


def test_messages_cannot_be_executed_in_the_past():
    market = open_market()
    with pytest.raises(ValueError, match="the market has advanced to"):
        market.execute(message(Kind.CANCEL, -1), market.at - 1)


@pytest.mark.parametrize("share", [-0.1, 1.0, math.nan])
def test_an_informed_share_must_be_below_one(share):
    with pytest.raises(ValueError, match="informed share"):
        open_market(informed=share)


@pytest.mark.parametrize(
    "wrong",
    [
        {"theta": 0},
        {"alpha": 1},
        {"size": 0.5},
        {"levels": 0},
        {"orders": 600},
        {"mu": float("nan")},
    ],
)
def test_parameters_without_a_flow_are_rejected(wrong):
    with pytest.raises(ValueError, match="flow"):
        FlowParameters(**wrong)


def test_the_state_of_a_walker_continues_after_passed_slots():
    market = open_market()
    market.run_slots(5)
    place = market.place
    assert place.next_seq == 6
    walker = Walker(*place)
    assert np.array_equal(market.run_slots(40).quotes, walker.take(40)[0].rows)
    assert isinstance(place.state, WalkState)


def test_snapshots_of_a_restored_market_are_those_of_the_unbroken_one():
    market = open_market(law_of(interval_us=300 * SECOND))  # most regimes last one slot
    market.run_slots(7)
    restored = BookMarket.restore(market.snapshot())
    for slots in (1, 3):
        market.run_slots(slots)
        restored.run_slots(slots)
        assert restored.snapshot() == market.snapshot()
