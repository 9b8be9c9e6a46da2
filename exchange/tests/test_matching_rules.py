"""Each rule of the matching engine on a tape of its own."""

import numpy as np
import pytest

from exchange.engine.execution import execute
from exchange.engine.orderbook import with_more_room
from exchange.matching import (
    BUY,
    LARGEST_CAPACITY,
    LARGEST_LOTS,
    LARGEST_TICKS,
    MESSAGE,
    REPORT,
    SELL,
    MatchingEngine,
    Outcome,
    Reason,
    SelfTradePrevention,
)
from exchange.tests.tapes import (
    FOK,
    IOC,
    POST_ONLY,
    cancel,
    market,
    new,
    reduce,
    replace,
    small_engine,
    tape,
)

CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_BOTH = SelfTradePrevention


@pytest.fixture
def engine():
    return small_engine()


def run(engine, *messages):
    """Execute messages; return the reports as outcome, id, maker, ticks, lots, without ACCEPTED."""
    reports = engine.process(tape(*messages))
    engine.check()
    fields = ["outcome", "order_id", "maker_id", "ticks", "lots"]
    rows = reports[reports["outcome"] != Outcome.ACCEPTED][fields].tolist()
    return [(Outcome(row[0]).name, *row[1:]) for row in rows]


def reasons(engine, *messages):
    return [Reason(reason).name for reason in engine.process(tape(*messages))["reason"]]


def levels(engine, side):
    return engine.levels(side, 1_000).tolist()


def filled(order_id, maker_id, ticks, lots):
    return ("FILLED", order_id, maker_id, ticks, lots)


def cancelled(order_id, ticks, lots):
    return ("CANCELLED", order_id, 0, ticks, lots)


def test_fifo_is_preserved_around_cancels(engine):
    run(engine, *(new(i, SELL, 100, 1) for i in range(1, 6)))
    run(engine, cancel(1), cancel(3), new(1, SELL, 100, 1))
    assert run(engine, market(9, BUY, 4)) == [filled(9, maker, 100, 1) for maker in (2, 4, 5, 1)]


def test_sweep_goes_through_levels_from_the_best_price(engine):
    run(engine, new(1, SELL, 900, 2), new(2, SELL, 100, 3), new(3, SELL, 101, 4))
    assert run(engine, new(9, BUY, 101, 6)) == [filled(9, 2, 100, 3), filled(9, 3, 101, 3)]
    assert levels(engine, SELL) == [(101, 1, 1), (900, 2, 1)]


def test_fill_has_the_price_of_the_maker_and_the_side_of_the_taker(engine):
    run(engine, new(1, BUY, 105, 1))
    report = engine.process(tape(new(2, SELL, 90, 1)))[1]
    assert report.item() == (Outcome.FILLED, 0, 2, 1, SELL, 105, 1, Reason.NONE)


def test_limit_order_never_trades_through_its_limit(engine):
    run(engine, new(1, SELL, 100, 1), new(2, SELL, 102, 5))
    assert run(engine, new(3, BUY, 101, 3)) == [filled(3, 1, 100, 1)]
    assert (engine.best(BUY), engine.best(SELL)) == (101, 102)


def test_remainder_becomes_the_best_price(engine):
    run(engine, new(1, BUY, 99, 7), new(2, SELL, 100, 3), new(3, SELL, 105, 1))
    run(engine, new(4, BUY, 101, 5))
    assert levels(engine, BUY) == [(101, 2, 1), (99, 7, 1)]
    assert engine.best(SELL) == 105


def test_partly_filled_maker_keeps_its_place(engine):
    run(engine, new(1, BUY, 100, 5), new(2, BUY, 100, 5))
    run(engine, market(3, SELL, 2))
    assert run(engine, market(4, SELL, 4)) == [filled(4, 1, 100, 3), filled(4, 2, 100, 1)]


def test_accepted_comes_first_with_the_size_of_the_message(engine):
    run(engine, new(1, SELL, 100, 2))
    reports = engine.process(tape(new(2, BUY, 100, 5, tif=IOC)))
    assert reports.dtype == REPORT
    assert reports["outcome"].tolist() == [Outcome.ACCEPTED, Outcome.FILLED, Outcome.CANCELLED]
    assert reports["lots"].tolist() == [5, 2, 3]


def test_ioc_remainder_is_cancelled(engine):
    run(engine, new(1, SELL, 100, 2))
    assert run(engine, new(2, BUY, 100, 5, tif=IOC)) == [filled(2, 1, 100, 2), cancelled(2, 100, 3)]
    assert run(engine, new(3, BUY, 100, 5, tif=IOC)) == [cancelled(3, 100, 5)]
    assert engine.best(BUY) is None


def test_market_remainder_is_cancelled(engine):
    run(engine, new(1, BUY, LARGEST_TICKS, 1), new(2, BUY, 1, 1))
    fills = [filled(3, 1, LARGEST_TICKS, 1), filled(3, 2, 1, 1)]
    assert run(engine, market(3, SELL, 5)) == [*fills, cancelled(3, 0, 3)]
    assert reasons(engine, market(4, SELL, 5)) == ["NONE", "NOT_FILLED"]


def test_fok_is_refused_before_any_fill(engine):
    run(engine, new(1, SELL, 100, 2), new(2, SELL, 101, 2), new(3, SELL, 102, 2))
    before = engine.snapshot()
    assert reasons(engine, new(4, BUY, 101, 5, tif=FOK)) == ["NOT_FILLABLE"]
    assert engine.snapshot() == before
    assert run(engine, new(4, BUY, 101, 4, tif=FOK)) == [filled(4, 1, 100, 2), filled(4, 2, 101, 2)]


def test_post_only_is_refused_if_it_would_take(engine):
    run(engine, new(1, SELL, 100, 2))
    assert reasons(engine, new(2, BUY, 100, 1, tif=POST_ONLY)) == ["WOULD_TAKE"]
    assert run(engine, new(2, BUY, 99, 1, tif=POST_ONLY)) == []
    assert levels(engine, BUY) == [(99, 1, 1)]


def test_crossing_replace_is_filled_then_replaced_and_rests_uncrossed(engine):
    run(engine, new(1, BUY, 98, 9), new(2, SELL, 100, 2), new(3, SELL, 103, 1))
    assert run(engine, replace(1, 101, 5)) == [filled(1, 2, 100, 2), ("REPLACED", 1, 0, 101, 3)]
    assert (levels(engine, BUY), engine.best(SELL)) == ([(101, 3, 1)], 103)


def test_replace_that_is_wholly_filled_leaves_nothing(engine):
    run(engine, new(1, BUY, 98, 9), new(2, SELL, 100, 2))
    assert run(engine, replace(1, 100, 2)) == [filled(1, 2, 100, 2), ("REPLACED", 1, 0, 100, 0)]
    assert reasons(engine, cancel(1)) == ["NOT_RESTING"]


@pytest.mark.parametrize("lots", [3, 5, 7])
def test_replace_loses_its_place_even_at_the_same_price(engine, lots):
    run(engine, new(1, BUY, 100, 5), new(2, BUY, 100, 5))
    assert run(engine, replace(1, 100, lots)) == [("REPLACED", 1, 0, 100, lots)]
    assert run(engine, market(3, SELL, 6)) == [filled(3, 2, 100, 5), filled(3, 1, 100, 1)]


def test_replace_keeps_side_and_owner_of_the_resting_order(engine):
    run(engine, new(1, BUY, 98, 2, owner=7), new(2, SELL, 100, 2, owner=7))
    message = tape(replace(1, 100, 2))
    message["side"], message["owner"], message["tif"] = SELL, 8, FOK
    reports = engine.process(message)
    assert reports["outcome"].tolist() == [Outcome.CANCELLED]
    assert reports["reason"].tolist() == [Reason.SELF_TRADE]


def test_reduce_keeps_its_place(engine):
    run(engine, new(1, BUY, 100, 5), new(2, BUY, 100, 5))
    assert run(engine, reduce(1, 2)) == [("REPLACED", 1, 0, 100, 2)]
    assert levels(engine, BUY) == [(100, 7, 2)]
    assert run(engine, market(3, SELL, 3)) == [filled(3, 1, 100, 2), filled(3, 2, 100, 1)]


def test_reduce_must_make_the_order_smaller(engine):
    run(engine, new(1, BUY, 100, 5))
    assert reasons(engine, reduce(1, 5), reduce(1, 6), reduce(1, 0)) == [
        "NOT_SMALLER",
        "NOT_SMALLER",
        "LOTS_OUT_OF_RANGE",
    ]
    assert levels(engine, BUY) == [(100, 5, 1)]


def test_cancel_replace_and_reduce_of_an_order_that_does_not_rest_are_rejected(engine):
    run(engine, new(1, BUY, 100, 1), new(2, BUY, 100, 1), market(3, SELL, 1))
    stale = [cancel(1), replace(1, 100, 1), reduce(1, 1), cancel(3), cancel(99)]
    assert reasons(engine, *stale) == ["NOT_RESTING"] * 5


def test_freed_id_may_be_used_again(engine):
    run(engine, new(1, BUY, 100, 1), cancel(1), new(1, SELL, 101, 1), market(2, BUY, 1))
    assert run(engine, new(1, BUY, 99, 4)) == []
    assert levels(engine, BUY) == [(99, 4, 1)]


def test_id_of_a_resting_order_is_rejected(engine):
    run(engine, new(0, BUY, 100, 1), new(-(2**63), BUY, 100, 1))
    rows = [new(0, SELL, 100, 1), market(0, SELL, 1), new(-(2**63), SELL, 1, 1)]
    assert reasons(engine, *rows) == ["DUPLICATE_ID"] * 3
    assert levels(engine, BUY) == [(100, 2, 2)]


def test_extreme_prices_and_sizes(engine):
    run(engine, new(1, BUY, 1, LARGEST_LOTS), new(2, SELL, LARGEST_TICKS, LARGEST_LOTS))
    run(engine, new(3, BUY, 2**40, 1), new(4, BUY, 2**40 - 1, 1), new(5, SELL, 2**53, 1))
    assert levels(engine, BUY) == [(2**40, 1, 1), (2**40 - 1, 1, 1), (1, LARGEST_LOTS, 1)]
    assert levels(engine, SELL) == [(2**53, 1, 1), (LARGEST_TICKS, LARGEST_LOTS, 1)]
    fills = [filled(6, 3, 2**40, 1), filled(6, 4, 2**40 - 1, 1), filled(6, 1, 1, LARGEST_LOTS - 2)]
    assert run(engine, market(6, SELL, LARGEST_LOTS)) == fills
    assert engine.book.levels.occupied.size <= 8


def test_5000_fills_at_one_price(engine):
    run(engine, *(new(i, SELL, 100, 2) for i in range(5_000)))
    expected = [*(filled(-1, i, 100, 2) for i in range(4_999)), filled(-1, 4_999, 100, 1)]
    assert run(engine, new(-1, BUY, 100, 9_999)) == expected
    assert levels(engine, SELL) == [(100, 1, 1)]


def test_sums_of_the_largest_sizes_do_not_overflow():
    assert LARGEST_CAPACITY * LARGEST_LOTS < 2**63
    assert 2 * LARGEST_TICKS < 2**63


def test_cancel_newest_cancels_the_remainder_of_the_taker():
    engine = small_engine(self_trade_prevention=CANCEL_NEWEST)
    run(engine, new(1, SELL, 100, 1), new(2, SELL, 100, 1, owner=7), new(3, SELL, 100, 1))
    rows = run(engine, new(4, BUY, 100, 5, owner=7))
    assert rows == [filled(4, 1, 100, 1), cancelled(4, 100, 4)]
    assert levels(engine, SELL) == [(100, 2, 2)]


def test_cancel_oldest_cancels_the_resting_order_and_goes_on():
    engine = small_engine(self_trade_prevention=CANCEL_OLDEST)
    run(engine, new(1, SELL, 100, 1), new(2, SELL, 100, 3, owner=7), new(3, SELL, 100, 1))
    reports = engine.process(tape(new(4, BUY, 100, 5, owner=7)))
    assert reports[["outcome", "order_id", "side", "lots", "reason"]].tolist() == [
        (Outcome.ACCEPTED, 4, BUY, 5, Reason.NONE),
        (Outcome.FILLED, 4, BUY, 1, Reason.NONE),
        (Outcome.CANCELLED, 2, SELL, 3, Reason.SELF_TRADE),
        (Outcome.FILLED, 4, BUY, 1, Reason.NONE),
    ]
    assert levels(engine, BUY) == [(100, 3, 1)]


def test_cancel_both_cancels_both():
    engine = small_engine(self_trade_prevention=CANCEL_BOTH)
    run(engine, new(1, SELL, 100, 1), new(2, SELL, 100, 3, owner=7), new(3, SELL, 100, 1))
    rows = run(engine, market(4, BUY, 5, owner=7))
    assert rows == [filled(4, 1, 100, 1), cancelled(2, 100, 3), cancelled(4, 0, 4)]
    assert levels(engine, SELL) == [(100, 1, 1)]


@pytest.mark.parametrize("prevention", SelfTradePrevention)
def test_orders_without_owner_and_of_different_owners_trade(prevention):
    engine = small_engine(self_trade_prevention=prevention)
    run(engine, new(1, SELL, 100, 1), new(2, SELL, 100, 1, owner=7))
    assert run(engine, market(3, BUY, 1)) == [filled(3, 1, 100, 1)]
    assert run(engine, market(4, BUY, 1, owner=8)) == [filled(4, 2, 100, 1)]


@pytest.mark.parametrize("prevention", SelfTradePrevention)
def test_fok_counts_only_orders_of_others(prevention):
    engine = small_engine(self_trade_prevention=prevention)
    own, other = new(1, SELL, 100, 5, owner=7), new(2, SELL, 101, 5)
    run(engine, own, other)
    expected = [] if prevention == CANCEL_OLDEST else ["NOT_FILLABLE"]
    assert reasons(engine, new(3, BUY, 101, 6, tif=FOK, owner=7)) == ["NOT_FILLABLE"]
    refused = [
        r for r in reasons(engine, new(3, BUY, 101, 5, tif=FOK, owner=7)) if r == "NOT_FILLABLE"
    ]
    assert refused == expected


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ((5, BUY, 0, 9, 0, 100, 1), Reason.UNKNOWN_KIND),
        ((-1, BUY, 0, 9, 0, 100, 1), Reason.UNKNOWN_KIND),
        (new(9, 0, 100, 1), Reason.UNKNOWN_SIDE),
        (market(9, 2, 1), Reason.UNKNOWN_SIDE),
        (new(9, BUY, 100, 1, tif=4), Reason.UNKNOWN_TIF),
        (new(9, BUY, 100, 1, tif=-1), Reason.UNKNOWN_TIF),
        (new(9, BUY, 0, 1), Reason.TICKS_OUT_OF_RANGE),
        (new(9, BUY, LARGEST_TICKS + 1, 1), Reason.TICKS_OUT_OF_RANGE),
        (replace(1, -5, 1), Reason.TICKS_OUT_OF_RANGE),
        (new(9, BUY, 100, 0), Reason.LOTS_OUT_OF_RANGE),
        (new(9, BUY, 100, LARGEST_LOTS + 1), Reason.LOTS_OUT_OF_RANGE),
        (market(9, BUY, -1), Reason.LOTS_OUT_OF_RANGE),
        (replace(1, 100, -(2**63)), Reason.LOTS_OUT_OF_RANGE),
    ],
)
def test_invalid_message_is_rejected_and_changes_nothing(engine, message, reason):
    run(engine, new(1, SELL, 100, 5))
    before = engine.snapshot()
    assert engine.process(tape(message))[["outcome", "reason"]].tolist() == [
        (Outcome.REJECTED, reason)
    ]
    assert engine.snapshot() == before
    assert reason.text.endswith(".")


def test_full_book_rejects_orders_that_may_rest_and_accepts_the_others():
    engine = small_engine(capacity=3)
    run(engine, *(new(i, SELL, 100 + i, 1) for i in range(3)))
    rows = [new(8, BUY, 90, 1), new(8, BUY, 100, 1), new(8, BUY, 90, 1, tif=POST_ONLY)]
    assert reasons(engine, *rows) == ["BOOK_FULL"] * 3
    assert run(engine, replace(0, 200, 1)) == [("REPLACED", 0, 0, 200, 1)]
    assert run(engine, new(8, BUY, 101, 1, tif=IOC)) == [filled(8, 1, 101, 1)]
    assert run(engine, new(9, BUY, 90, 1)) == []


def test_full_book_has_room_for_replaced_orders_at_any_price():
    engine = small_engine(capacity=4)
    run(engine, *(new(i, BUY, 1, 1) for i in range(4)))
    for i in range(4):
        assert run(engine, replace(i, 64 * (i + 1), 1)) == [("REPLACED", i, 0, 64 * (i + 1), 1)]
    assert levels(engine, BUY) == [(64 * i, 1, 1) for i in (4, 3, 2, 1)]


def test_messages_of_another_dtype_are_refused(engine):
    with pytest.raises(ValueError, match="dtype MESSAGE"):
        engine.process(np.zeros((2, 7), np.int64))
    with pytest.raises(ValueError, match="dtype MESSAGE"):
        engine.process(np.zeros((2, 2), MESSAGE))


def test_arrays_that_are_not_contiguous_or_read_only_need_no_compilation(engine):
    messages = tape(new(1, BUY, 100, 1), cancel(1), new(2, BUY, 100, 1), cancel(2))
    compiled = list(execute.signatures)
    frozen = np.frombuffer(messages.tobytes(), MESSAGE)
    for array in (messages[::2], frozen[1::2], frozen.astype(np.dtype(MESSAGE.descr, align=True))):
        assert Outcome.REJECTED not in engine.process(array)["outcome"]
    assert list(execute.signatures) == compiled


@pytest.mark.parametrize("capacity", [0, -1, LARGEST_CAPACITY + 1])
def test_capacity_out_of_range(capacity):
    with pytest.raises(ValueError, match=f"capacity is {capacity}"):
        MatchingEngine(capacity)


def test_side_of_best_price_and_levels(engine):
    assert (engine.best(BUY), engine.best(SELL)) == (None, None)
    assert levels(engine, BUY) == []
    with pytest.raises(ValueError, match="side is 0"):
        engine.best(0)
    with pytest.raises(ValueError, match="side is 3"):
        engine.levels(3, 1)


@pytest.mark.parametrize("more", [1, 3, 60])
def test_room_for_more_orders_is_made_at_any_time(engine, more):
    run(engine, *(new(i, BUY, 1 + 64 * i, 1) for i in range(5)))
    run(engine, cancel(3))
    levels_before = levels(engine, BUY)
    engine.book = with_more_room(engine.book, more)
    engine.check()
    assert levels(engine, BUY) == levels_before
    rows, pages = engine.book.orders.shape[0], engine.book.levels.occupied.size
    run(engine, *(new(100 + i, BUY, 1 + 64 * (100 + i), 1) for i in range(more)))
    assert (engine.book.orders.shape[0], engine.book.levels.occupied.size) == (rows, pages)


def test_fresh_engine_is_small():
    book = MatchingEngine().book
    size = sum(array.nbytes for array in (*book[:3], *book.levels, book.state))
    assert size < 100_000
