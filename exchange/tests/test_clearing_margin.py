"""What accounts can afford; leverage, deposits and withdrawals; margin calls."""

import pytest

from exchange.clearing.commands import CommandKind
from exchange.clearing.fees import BYBIT
from exchange.clearing.orders import Cause, State
from exchange.engine.messages import BUY, SELL, TimeInForce
from exchange.tests.venue import DOLLAR, Session, Venue

# With 1,000 dollars and leverage 10, an account can hold 100 lots at 10,000 ticks (100 dollars).


def causes(session, *orders):
    return [session.place(*order)["cause"] for order in orders]


def test_resting_orders_need_the_margin_of_the_position_they_would_open():
    session = Session([Venue()], balances=(1_000,))
    assert causes(session, (BUY, 60, 10_000), (BUY, 41, 10_000), (BUY, 40, 10_000)) == [
        Cause.ACCEPTED,
        Cause.INSUFFICIENT_MARGIN,
        Cause.ACCEPTED,
    ]


def test_orders_on_both_sides_need_the_margin_of_the_larger_side():
    session = Session([Venue()], balances=(1_000,))
    assert causes(session, (BUY, 100, 9_990), (SELL, 99, 10_010), (SELL, 2, 10_010)) == [
        Cause.ACCEPTED,
        Cause.ACCEPTED,
        Cause.INSUFFICIENT_MARGIN,
    ]


def test_the_fee_of_what_rests_is_reserved():
    session = Session([Venue()], balances=(1_000,), fees=BYBIT)
    assert causes(session, (BUY, 100, 10_000), (BUY, 99, 10_000)) == [
        Cause.INSUFFICIENT_MARGIN,
        Cause.ACCEPTED,  # 990 of margin and 1.98 of fees
    ]


def test_price_and_fee_of_what_fills_at_once_count():
    session = Session(balances=(100,))
    session.command(CommandKind.LEVERAGE, instrument=1, leverage=100)
    # 98 lots cost 98 of margin; the walk through ten levels costs 5.x more
    assert causes(session, (BUY, 98), (BUY, 90)) == [Cause.INSUFFICIENT_MARGIN, Cause.ACCEPTED]
    value = session.desk.value(1)
    assert 0 <= value.available < 10 * DOLLAR


def test_the_fee_of_what_fills_at_once_counts():
    venue = Venue()
    venue.arrive(SELL, 10_000, 200)
    session = Session([venue], balances=(1_000,), fees=BYBIT)
    assert causes(session, (BUY, 100), (BUY, 99)) == [
        Cause.INSUFFICIENT_MARGIN,
        Cause.ACCEPTED,  # 990 of margin and 5.45 of fees
    ]


def test_the_loss_of_orders_beyond_the_mark_counts():
    session = Session([Venue()], balances=(1_000,))
    assert causes(session, (BUY, 95, 10_050), (BUY, 90, 10_050)) == [
        Cause.INSUFFICIENT_MARGIN,  # 955 of margin and 47.5 of loss
        Cause.ACCEPTED,
    ]


def test_an_amended_order_gives_back_its_margin_first():
    session = Session([Venue()], balances=(1_000,))
    session.place(BUY, 100, 10_000)
    answer, _ = session.command(CommandKind.AMEND, order=1, ticks=9_990)
    assert answer["cause"] == Cause.AMENDED
    answer, _ = session.command(CommandKind.AMEND, order=1, lots=101)
    assert answer["cause"] == Cause.INSUFFICIENT_MARGIN


def test_orders_that_close_cost_nothing():
    session = Session(balances=(1_000,))
    assert causes(session, (BUY, 95, 10_010), (BUY, 50, 9_000)) == [
        Cause.ACCEPTED,
        Cause.INSUFFICIENT_MARGIN,
    ]
    assert causes(session, (SELL, 60, 10_100), (SELL, 35, 10_100)) == [Cause.ACCEPTED] * 2
    event = session.place(SELL, 35, 10_100, reduce_only=True)
    assert event["cause"] == Cause.ACCEPTED


def test_a_plain_order_can_flip_a_position_within_the_margin():
    session = Session(balances=(1_000,))
    assert causes(session, (BUY, 50), (SELL, 160), (SELL, 140)) == [
        Cause.ACCEPTED,
        Cause.INSUFFICIENT_MARGIN,
        Cause.ACCEPTED,
    ]
    assert session.position() == -90


def test_profit_can_be_used_and_loss_reduces_what_can():
    session = Session(balances=(1_000,))
    session.place(BUY, 50)
    session.move(10_200)  # 98.4 of profit; the margin of the position is 510
    assert causes(session, (BUY, 60, 9_900), (BUY, 59, 9_900)) == [
        Cause.INSUFFICIENT_MARGIN,
        Cause.ACCEPTED,
    ]
    session.move(9_900)
    assert causes(session, (BUY, 1, 9_900)) == [Cause.INSUFFICIENT_MARGIN]


def test_margin_is_shared_by_all_instruments():
    session = Session([Venue(1), Venue(2)], balances=(1_000,))
    assert session.place(BUY, 60, 10_000, instrument=1)["cause"] == Cause.ACCEPTED
    assert session.place(BUY, 60, 10_000, instrument=2)["cause"] == Cause.INSUFFICIENT_MARGIN
    assert session.place(BUY, 40, 10_000, instrument=2)["cause"] == Cause.ACCEPTED


def test_leverage_sets_the_margin():
    session = Session([Venue()], balances=(1_000,))
    answer, _ = session.command(CommandKind.LEVERAGE, instrument=1, leverage=20)
    assert (answer["cause"], answer["lots"], answer["order"]) == (Cause.LEVERAGE_SET, 20, 0)
    assert session.place(BUY, 200, 10_000)["cause"] == Cause.ACCEPTED
    expected = [
        (20, Cause.LEVERAGE_UNCHANGED),
        (10, Cause.INSUFFICIENT_MARGIN),
        (0, Cause.INVALID_LEVERAGE),
        (101, Cause.INVALID_LEVERAGE),
        (10**30, Cause.INVALID_LEVERAGE),
        (40, Cause.LEVERAGE_SET),
    ]
    for leverage, cause in expected:
        answer, _ = session.command(CommandKind.LEVERAGE, instrument=1, leverage=leverage)
        assert answer["cause"] == cause


def test_the_risk_limit_holds_whatever_the_balance():
    session = Session([Venue()], balances=(10**9,))
    assert session.place(BUY, 1_000_000, 10_000)["cause"] == Cause.ACCEPTED
    assert session.place(BUY, 1, 10_000)["cause"] == Cause.RISK_LIMIT
    assert session.place(SELL, 1, 10_001)["cause"] == Cause.ACCEPTED


@pytest.mark.parametrize(
    ("amount", "cause"),
    [
        (5 * DOLLAR, Cause.MONEY_MOVED),
        (-500 * DOLLAR, Cause.MONEY_MOVED),
        (-501 * DOLLAR, Cause.INSUFFICIENT_MARGIN),
        (-(10**30), Cause.INSUFFICIENT_MARGIN),
        (0, Cause.INVALID_AMOUNT),
        (10**30, Cause.INVALID_AMOUNT),
    ],
)
def test_deposits_and_withdrawals(amount, cause):
    session = Session([Venue()], balances=(1_000,))
    session.place(BUY, 50, 10_000)
    answer, rows = session.command(CommandKind.MONEY, amount=amount)
    assert answer["cause"] == cause
    moved = amount if cause is Cause.MONEY_MOVED else 0
    assert [row["amount"] for row in rows["funding"]] == ([moved] if moved else [])
    assert session.account().balance == 1_000 * DOLLAR + moved
    assert session.store.balance(1) == moved


def test_an_order_that_was_free_because_it_closed_is_cancelled_once_it_would_open():
    session = Session(balances=(1_000,))
    session.place(BUY, 90, 10_009)
    session.place(SELL, 90, 10_050)  # free
    session.place(SELL, 9, 10_060)
    closing = session.order(SELL, 0, close=True)  # costs 9: now 99 lots would open a position
    _, rows = session.command(CommandKind.PLACE, placed=closing)
    assert session.position() == 0
    assert [order.id for order in session.open_orders()] == [2]
    called = rows["order_events"][-1]
    assert (called["order"], called["state"]) == (3, State.CANCELLED)
    assert (called["cause"], called["command"]) == (Cause.MARGIN_CALL, 0)
    assert session.desk.value(1).available >= 0


def test_unrealised_profit_cannot_be_withdrawn():
    session = Session(balances=(1_000,))
    session.place(BUY, 50)
    session.move(12_000)
    session.command(CommandKind.MONEY, amount=-999 * DOLLAR)
    answer, _ = session.command(CommandKind.MONEY, amount=-1 * DOLLAR)
    assert answer["cause"] == Cause.INSUFFICIENT_MARGIN
    assert session.desk.value(1).available > 100 * DOLLAR


def test_a_margin_call_cancels_only_orders_that_need_margin():
    session = Session(balances=(1_000,))
    session.place(BUY, 90, 10_009)
    session.place(SELL, 99, 10_050)
    session.place(BUY, 1, 9_000)  # the newest, but the other side needs more
    session.place(SELL, 0, close=True)
    assert [order.id for order in session.open_orders()] == [3]


def test_post_only_orders_are_charged_as_makers_alone():
    session = Session(balances=(1_000,))
    event = session.place(BUY, 100, 10_000, tif=TimeInForce.POST_ONLY)
    assert event["cause"] == Cause.ACCEPTED
