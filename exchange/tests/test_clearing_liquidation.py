"""Liquidation, insurance and funding."""

import pytest

from exchange.clearing.accounts import Contract
from exchange.clearing.commands import CommandKind
from exchange.clearing.funding import amount, is_due
from exchange.clearing.ledger import LedgerCause
from exchange.clearing.orders import Cause, State, TriggerBy, TriggerDirection
from exchange.clearing.valuation import liquidation_ticks
from exchange.engine.messages import BUY, SELL
from exchange.tests.venue import DOLLAR, START, TICK_VALUE, Session, Venue

HOUR = 3_600_000_000


def leveraged(lots, balance=100, **fields):
    """Return a session whose account holds a position at leverage 100."""
    session = Session(balances=(balance, 10_000), **fields)
    session.command(CommandKind.LEVERAGE, instrument=1, leverage=100)
    session.place(BUY if lots > 0 else SELL, abs(lots))
    assert session.position() == lots
    return session


@pytest.mark.parametrize("lots", [80, -80])
def test_the_liquidation_price_is_the_first_at_which_the_position_is_closed(lots):
    session = leveraged(lots)
    contract = Contract(instrument=1, tick_value=TICK_VALUE, mark=10_000)
    ticks = liquidation_ticks(session.account(), {1: contract}, 1)
    session.move(ticks + (1 if lots > 0 else -1))
    assert session.position() == lots
    session.move(ticks)
    assert session.position() == 0
    assert liquidation_ticks(session.account(), {1: contract}, 1) is None


def test_a_position_without_leverage_has_no_liquidation_price():
    session = Session()
    session.place(BUY, 5)
    contract = Contract(instrument=1, tick_value=TICK_VALUE, mark=10_000)
    assert liquidation_ticks(session.account(), {1: contract}, 1) is None
    assert liquidation_ticks(session.account(), {2: contract}, 2) is None
    session.account().balance = 0
    assert liquidation_ticks(session.account(), {1: contract}, 1) == 10_000


def test_an_account_below_its_maintenance_margin_is_closed_out():
    session = leveraged(80)  # 8,000 at stake, bought at 10,004.5 on average
    session.place(BUY, 1, 9_000)
    session.place(SELL, 1, trigger_ticks=11_000)
    assert session.move(9_940)["order_events"] == []  # equity 48, maintenance 40
    rows = session.move(9_920)
    assert [(row["order"], row["state"], row["cause"]) for row in rows["order_events"]] == [
        (2, State.CANCELLED, Cause.LIQUIDATION),
        (3, State.CANCELLED, Cause.LIQUIDATION),
        (-1, State.FILLED, Cause.LIQUIDATION),
    ]
    assert {row["order"] for row in rows["executions"]} == {-1}
    assert session.position() == 0
    assert session.account().balance == session.store.balance(1) + 100 * DOLLAR


def test_what_a_closed_out_account_owes_is_covered():
    session = leveraged(80)
    venue = session.venues[1]
    for _ in range(20):
        venue.arrive(SELL, 9_981, 10)  # nothing is left above 9,980
    venue.arrive(BUY, 9_700, 1_000)
    rows = session.move(9_850)
    covered = rows["funding"][0]
    assert covered["cause"] == LedgerCause.INSURANCE
    assert covered["amount"] > 100 * DOLLAR
    assert session.account().balance == 0
    assert session.store.balance(1) == -100 * DOLLAR


def test_liquidation_goes_on_when_there_is_liquidity_again():
    session = leveraged(80)
    session.trade(SELL, 150)  # 50 lots are left
    rows = session.move(9_900)
    last = rows["order_events"][-1]
    assert (last["state"], last["filled"], last["cause"]) == (
        State.CANCELLED,
        50,
        Cause.LIQUIDATION,
    )
    assert session.position() == 30
    session.venues[1].arrive(BUY, 9_890, 100)
    assert session.move(9_899)["order_events"] == []  # the margin suffices for 30 lots
    rows = session.move(9_700)
    assert [row["order"] for row in rows["order_events"]] == [-2]
    assert session.position() == 0


def test_a_short_position_is_closed_out_when_the_mark_rises():
    session = leveraged(-80)
    session.move(10_080)
    assert session.position() == 0


def test_all_positions_stand_in_for_each_other():
    session = Session([Venue(1).fill(), Venue(2).fill()], balances=(200,))
    for instrument in (1, 2):
        session.command(CommandKind.LEVERAGE, instrument=instrument, leverage=100)
    session.place(BUY, 80, instrument=1)
    session.place(SELL, 80, instrument=2)
    session.move(9_800, instrument=2)  # 160 of profit
    session.move(9_800, instrument=1)  # 160 of loss
    assert (session.position(1, 1), session.position(1, 2)) == (80, -80)
    session.move(9_960, instrument=2)
    assert session.position(1, 1) == 0


def test_only_as_much_is_closed_as_needed():
    session = Session([Venue(1).fill(), Venue(2).fill()], balances=(150,))
    for instrument in (1, 2):
        session.command(CommandKind.LEVERAGE, instrument=instrument, leverage=100)
    session.place(BUY, 20, instrument=1)
    session.place(BUY, 80, instrument=2)
    session.move(9_870, instrument=2)
    assert (session.position(1, 1), session.position(1, 2)) == (20, 0)


def test_a_stop_on_the_mark_comes_before_the_liquidation():
    session = leveraged(80)
    stop = {"trigger_by": TriggerBy.MARK, "trigger_direction": TriggerDirection.FALLING}
    session.place(SELL, 0, trigger_ticks=9_950, close=True, **stop)
    rows = session.move(9_900)
    assert [row["cause"] for row in rows["order_events"]] == [Cause.TRIGGERED, Cause.ACCEPTED]
    assert session.position() == 0


def test_fills_of_a_liquidation_reach_other_accounts():
    session = leveraged(80)
    session.place(BUY, 30, 9_999, account=2)
    session.place(BUY, 30, 10_000, account=2)
    stop = {"trigger_direction": TriggerDirection.FALLING}
    session.place(SELL, 5, trigger_ticks=9_998, account=2, **stop)
    rows = session.move(9_920)
    assert session.position(2) == 55
    assert {row["account"] for row in rows["executions"]} == {1, 2}


@pytest.mark.parametrize(
    ("since", "at", "expected"),
    [
        (0, 8 * HOUR, True),
        (0, 8 * HOUR - 1, False),
        (8 * HOUR, 16 * HOUR - 1, False),
        (8 * HOUR, 40 * HOUR, True),
    ],
)
def test_funding_is_due_on_a_grid_of_utc(since, at, expected):
    assert is_due(since, at) is expected
    assert START % (24 * HOUR) == HOUR


def test_longs_pay_and_shorts_receive_rounded_against_the_account():
    assert (amount(10, 10_000, 1_000), amount(-10, 10_000, 1_000)) == (-10_000, 10_000)
    assert (amount(1, 9_999, 1), amount(-1, 9_999, 1)) == (-1, 0)


def test_funding_is_paid_once_on_the_mark():
    session = Session(balances=(10_000, 10_000, 10_000))
    session.place(BUY, 10)
    session.place(SELL, 10, account=2)
    assert session.move(10_000, us=7 * HOUR - 1)["funding"] == []
    rows = session.move(10_100, us=2)["funding"]
    fields = ("account", "cause", "position", "ticks", "amount")
    assert [tuple(row[name] for name in fields) for row in rows] == [
        (1, LedgerCause.FUNDING, 10, 10_100, -DOLLAR * 101 // 1_000),
        (2, LedgerCause.FUNDING, -10, 10_100, DOLLAR * 101 // 1_000),
    ]
    session.open_desk()
    assert session.move(10_100)["funding"] == []
    assert len(session.move(10_100, us=8 * HOUR)["funding"]) == 2


def test_a_position_opened_after_the_funding_time_pays_nothing():
    session = Session()
    venue = session.venues[1]
    venue.at = venue.marked_at = START + 8 * HOUR  # nobody watched: the desk was not called
    session.place(BUY, 10)
    assert session.move(10_000)["funding"] == []
