"""Placing, amending and cancelling orders at the desk."""

import numpy as np
import pytest

from exchange.clearing.accounts import Account
from exchange.clearing.checks import MOST_OPEN_ORDERS
from exchange.clearing.commands import CommandKind
from exchange.clearing.orders import TRANSITIONS, Cause, Order, OrderType, State
from exchange.clearing.positions import Position
from exchange.engine.messages import BUY, SELL, TimeInForce
from exchange.tests.venue import DOLLAR, START, Session, Venue

NONSENSE = (0, -1, 10**30)


def result(event):
    return State(event["state"]), Cause(event["cause"])


def test_every_state_has_transitions_and_final_states_have_none():
    assert set(TRANSITIONS) == set(State)
    final = {state for state in State if state.is_final}
    assert final == {State.FILLED, State.CANCELLED, State.REJECTED, State.EXPIRED}


def test_an_illegal_transition_raises():
    order = Session().order(BUY, 1, 9_000)
    order.move(State.REJECTED)
    with pytest.raises(ValueError, match="REJECTED -> NEW"):
        order.move(State.NEW)


def test_every_cause_has_a_text():
    assert all(cause.text.endswith(".") for cause in Cause)
    assert Cause(110) is Cause.TOO_MANY_ORDERS


def test_a_limit_order_rests():
    session = Session()
    assert result(session.place(BUY, 5, 9_990)) == (State.NEW, Cause.ACCEPTED)
    assert session.open_orders()[0].leaves == 5


def test_a_market_order_fills_at_once():
    session = Session()
    event = session.place(BUY, 15)
    assert result(event) == (State.FILLED, Cause.ACCEPTED)
    assert (event["lots"], event["filled"], session.position()) == (15, 15, 15)


def test_a_market_order_takes_nothing_beyond_the_price_band():
    venue = Venue()
    venue.arrive(SELL, 10_500, 5)
    venue.arrive(SELL, 10_501, 5)
    event = Session([venue]).place(BUY, 10)
    assert result(event) == (State.CANCELLED, Cause.NO_LIQUIDITY)
    assert event["filled"] == 5


def test_a_market_order_larger_than_the_book_takes_what_there_is():
    event = Session().place(BUY, 2**40)
    assert result(event) == (State.CANCELLED, Cause.NO_LIQUIDITY)
    assert event["filled"] == 200


def test_a_limit_order_takes_what_it_can_and_rests_with_the_remainder():
    session = Session()
    event = session.place(BUY, 15, 10_001)
    assert result(event) == (State.PARTIALLY_FILLED, Cause.ACCEPTED)
    assert (event["filled"], session.venues[1].best(BUY)) == (10, 10_001)


@pytest.mark.parametrize(
    ("tif", "ticks", "expected"),
    [
        (TimeInForce.IOC, 10_001, (State.CANCELLED, Cause.NO_LIQUIDITY)),
        (TimeInForce.FOK, 10_001, (State.REJECTED, Cause.NOT_FILLABLE)),
        (TimeInForce.FOK, 10_002, (State.FILLED, Cause.ACCEPTED)),
        (TimeInForce.POST_ONLY, 10_001, (State.REJECTED, Cause.WOULD_TAKE)),
        (TimeInForce.POST_ONLY, 10_000, (State.NEW, Cause.ACCEPTED)),
    ],
)
def test_time_in_force(tif, ticks, expected):
    assert result(Session().place(BUY, 15, ticks, tif=tif)) == expected


def test_fills_of_a_resting_order_are_executions_and_one_event():
    session = Session()
    session.place(BUY, 8, 10_000)
    rows = session.trade(SELL, 5)
    assert [(row["lots"], row["is_maker"], row["fee"]) for row in rows["executions"]] == [(5, 1, 0)]
    assert [result(row) for row in rows["order_events"]] == [(State.PARTIALLY_FILLED, Cause.FILLED)]
    rows = session.trade(SELL, 3)
    assert result(rows["order_events"][0]) == (State.FILLED, Cause.FILLED)
    assert session.open_orders() == []


def test_events_of_fills_are_in_the_order_of_their_last_trade():
    session = Session()
    session.place(BUY, 9, 10_000)
    session.place(SELL, 9, 10_001, tif=TimeInForce.POST_ONLY)
    venue, batch = session.venues[1], []
    for side, lots in ((SELL, 3), (BUY, 13), (SELL, 3)):
        venue.at += 1_000
        batch.append(venue.arrive(side, 10_000 + (side == BUY), lots))
    session.desk.on_trades(1, np.concatenate(batch))
    events = session.collect()["order_events"]
    assert [(row["order"], row["at"] - START) for row in events] == [(2, 2_000), (1, 3_000)]
    assert [row["filled"] for row in events] == [3, 6]


def test_a_trade_between_two_accounts_is_booked_on_both_sides():
    session = Session(balances=(10_000, 10_000))
    session.place(SELL, 4, 10_000, account=2)
    _, rows = session.command(CommandKind.PLACE, placed=session.order(BUY, 4, 10_000))
    assert [(row["account"], row["side"], row["is_maker"]) for row in rows["executions"]] == [
        (1, BUY, 0),
        (2, SELL, 1),
    ]
    assert len({row["trade_seq"] for row in rows["executions"]}) == 1
    assert [(row["account"], row["state"]) for row in rows["order_events"]] == [
        (1, State.FILLED),
        (2, State.FILLED),
    ]
    assert (session.position(1), session.position(2)) == (4, -4)


def test_an_order_that_meets_one_of_the_same_account_is_cancelled():
    session = Session()
    session.place(SELL, 5, 10_000)
    assert result(session.place(BUY, 5)) == (State.CANCELLED, Cause.SELF_TRADE)
    assert session.position() == 0


def test_cancel_by_id_and_by_client_id():
    session = Session()
    session.place(BUY, 1, 9_990)
    session.place(BUY, 1, 9_990, client_id="mine")
    assert result(session.command(CommandKind.CANCEL, order=1)[0])[0] is State.CANCELLED
    assert result(session.command(CommandKind.CANCEL, client_id="mine")[0])[0] is State.CANCELLED
    assert session.venues[1].best(BUY) == 9_999
    assert session.command(CommandKind.CANCEL, order=1)[0]["cause"] == Cause.NOT_OPEN


def test_orders_of_other_accounts_are_not_open_to_an_account():
    session = Session(balances=(10_000, 10_000))
    session.place(BUY, 1, 9_990)
    answer, _ = session.command(CommandKind.CANCEL, account=2, order=1)
    assert answer["cause"] == Cause.NOT_OPEN
    answer, _ = session.command(CommandKind.AMEND, account=2, order=1, lots=2)
    assert answer["cause"] == Cause.NOT_OPEN


def test_cancel_all_of_one_instrument_or_of_all():
    session = Session([Venue(1).fill(), Venue(2).fill()])
    for instrument in (1, 1, 2):
        session.place(BUY, 1, 9_990, instrument=instrument)
    answer, rows = session.command(CommandKind.CANCEL_ALL, instrument=2)
    assert (answer["order"], answer["lots"], answer["cause"]) == (0, 1, Cause.CANCELLED)
    answer, rows = session.command(CommandKind.CANCEL_ALL)
    assert answer["lots"] == 2
    assert [row["order"] for row in rows["order_events"]] == [1, 2, 0]
    assert session.command(CommandKind.CANCEL_ALL)[0]["lots"] == 0


def test_an_order_that_only_becomes_smaller_keeps_its_place():
    session = Session(balances=(10_000, 10_000))
    session.place(BUY, 5, 10_000)
    session.place(BUY, 5, 10_000, account=2)
    answer, _ = session.command(CommandKind.AMEND, order=1, lots=3)
    assert result(answer) == (State.NEW, Cause.AMENDED)
    rows = session.trade(SELL, 4)
    assert [(row["account"], row["lots"]) for row in rows["executions"]] == [(1, 3), (2, 1)]


@pytest.mark.parametrize("change", [{"lots": 6}, {"ticks": 9_999}])
def test_an_order_that_grows_or_moves_loses_its_place(change):
    session = Session(balances=(10_000, 10_000))
    session.place(BUY, 5, 10_000)
    session.place(BUY, 5, 10_000, account=2)
    session.command(CommandKind.AMEND, order=1, **change)
    rows = session.trade(SELL, 4)
    assert [row["account"] for row in rows["executions"]] == [2]


def test_an_amended_order_that_crosses_trades():
    session = Session()
    session.place(BUY, 5, 9_990, client_id="mine")
    answer, _ = session.command(CommandKind.AMEND, client_id="mine", ticks=10_002, lots=12)
    assert (answer["state"], answer["cause"]) == (State.FILLED, Cause.AMENDED)
    assert session.position() == 12


def test_amended_lots_include_what_is_filled():
    session = Session()
    session.place(BUY, 15, 10_001)
    refused, _ = session.command(CommandKind.AMEND, order=1, lots=10)
    assert result(refused) == (State.PARTIALLY_FILLED, Cause.LOTS_BELOW_FILLED)
    session.command(CommandKind.AMEND, order=1, lots=12)
    assert session.open_orders()[0].leaves == 2


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({}, Cause.NOTHING_TO_AMEND),
        ({"ticks": 9_990, "lots": 5}, Cause.NOTHING_TO_AMEND),
        ({"trigger_ticks": 9_000}, Cause.INVALID_TRIGGER),
        ({"ticks": 10_501}, Cause.PRICE_BAND),
        ({"ticks": 10_001}, Cause.WOULD_TAKE),
        ({"lots": 10**6}, Cause.INSUFFICIENT_MARGIN),
        *(({"ticks": ticks}, Cause.INVALID_TICKS) for ticks in NONSENSE),
        *(({"lots": lots}, Cause.INVALID_LOTS) for lots in NONSENSE),
    ],
)
def test_refused_amendments_leave_the_order_as_it_is(change, cause):
    session = Session()
    session.place(BUY, 5, 9_990, tif=TimeInForce.POST_ONLY)
    answer, _ = session.command(CommandKind.AMEND, order=1, **change)
    assert result(answer) == (State.NEW, cause)
    assert cause.is_rejection
    assert (answer["ticks"], answer["lots"]) == (9_990, 5)
    assert session.venues[1].levels(BUY, 20)[9].item() == (9_990, 15, 2)


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        *(({"lots": lots, "ticks": 9_990}, Cause.INVALID_LOTS) for lots in NONSENSE),
        *(({"ticks": ticks, "type": OrderType.LIMIT}, Cause.INVALID_TICKS) for ticks in NONSENSE),
        ({"ticks": 9_990, "type": OrderType.MARKET}, Cause.INVALID_TICKS),
        ({"ticks": 9_990, "trigger_ticks": 10**30}, Cause.INVALID_TRIGGER),
        ({"ticks": 9_990, "side": 0}, Cause.UNSUPPORTED),
        ({"tif": TimeInForce.POST_ONLY}, Cause.UNSUPPORTED),
        ({"close": True}, Cause.INVALID_LOTS),
        ({"ticks": 10_501}, Cause.PRICE_BAND),
        ({"lots": 2**40, "ticks": 9_990}, Cause.RISK_LIMIT),
        ({"lots": 20_000, "ticks": 9_990}, Cause.INSUFFICIENT_MARGIN),
        ({"ticks": 9_990, "instrument": 7}, Cause.NO_BOOK),
        ({"ticks": 9_990, "client_id": "taken"}, Cause.DUPLICATE_ORDER),
    ],
)
def test_orders_that_are_rejected(fields, cause):
    session = Session()
    session.place(BUY, 1, 9_000, client_id="taken")
    event = session.place(**{"side": BUY, "lots": 1} | fields)
    assert result(event) == (State.REJECTED, cause)
    assert len(session.open_orders()) == 1


def test_the_number_of_open_orders_is_limited():
    session = Session([Venue()])
    for _ in range(MOST_OPEN_ORDERS):
        assert session.place(BUY, 1, 9_000)["cause"] == Cause.ACCEPTED
    assert session.place(BUY, 1, 9_000)["cause"] == Cause.TOO_MANY_ORDERS
    session.command(CommandKind.CANCEL, order=1)
    assert session.place(BUY, 1, 9_000)["cause"] == Cause.ACCEPTED


def test_an_account_must_be_known_and_can_be_added():
    session = Session()
    with pytest.raises(LookupError, match="account 9"):
        session.place(BUY, 1, 9_000, account=9)
    assert not session.desk.knows(9)
    session.desk.add(Account(id=9, balance=100 * DOLLAR))
    assert session.place(BUY, 1, 9_000, account=9)["cause"] == Cause.ACCEPTED
    with pytest.raises(ValueError, match="account 9 is at the desk already"):
        session.desk.add(Account(id=9))


def test_the_desk_needs_the_contracts_of_all_positions():
    account = Account(id=9)
    account.holding(7).leverage = 5
    desk = Session().desk
    desk.add(account)  # nothing is at stake
    other = Account(id=10)
    other.holding(7).position = Position(1, 100)
    with pytest.raises(ValueError, match=r"instrument 7, but the desk has contracts for \[1\]"):
        desk.add(other)
    assert not desk.knows(10)


def test_commands_for_a_detached_book_are_answered_by_another_one():
    session = Session([Venue(1).fill(), Venue(2).fill()])
    session.place(BUY, 1, 9_990, instrument=2)
    session.desk.detach(2)
    for kind in (CommandKind.CANCEL, CommandKind.AMEND):
        answer, _ = session.command(kind, order=1)
        assert (answer["instrument"], answer["cause"]) == (1, Cause.NO_BOOK)
    event = session.place(BUY, 1, 9_990, instrument=2)
    assert (event["instrument"], event["cause"]) == (1, Cause.NO_BOOK)
    for kind in (CommandKind.CANCEL_ALL, CommandKind.LEVERAGE):
        answer, _ = session.command(kind, instrument=2, leverage=3)
        assert answer["cause"] == Cause.NO_BOOK
    session.desk.attach(session.venues[2])
    assert session.command(CommandKind.CANCEL, order=1)[0]["cause"] == Cause.CANCELLED


def test_the_desk_watches_books_with_orders_or_positions():
    session = Session()
    assert not session.desk.watches(1)
    session.place(BUY, 1, 9_990)
    assert session.desk.watches(1)
    session.command(CommandKind.CANCEL, order=1)
    assert not session.desk.watches(1)
    session.place(BUY, 1)
    assert session.desk.watches(1)
    session.place(SELL, 0, close=True)
    assert not session.desk.watches(1)


def test_an_order_is_a_plain_value():
    fields = {"id": 1, "account": 1, "instrument": 1, "side": BUY, "type": OrderType.LIMIT}
    assert Order(**fields, lots=2) == Order(**fields, lots=2)
