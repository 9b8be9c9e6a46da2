"""Reduce-only and closing orders."""

from exchange.clearing.commands import CommandKind
from exchange.clearing.orders import Cause, OrderType, State, TriggerDirection
from exchange.engine.messages import BUY, SELL, TimeInForce
from exchange.tests.venue import Session


def holding(lots):
    """Return a session whose account holds `lots`."""
    session = Session()
    session.place(BUY if lots > 0 else SELL, abs(lots))
    return session


def sizes(session):
    return [(order.id, order.leaves) for order in session.open_orders()]


def test_reduce_only_needs_an_opposite_position():
    assert Session().place(SELL, 1, 10_010, reduce_only=True)["cause"] == Cause.NOT_REDUCING
    assert holding(-5).place(SELL, 1, 10_010, reduce_only=True)["cause"] == Cause.NOT_REDUCING


def test_a_reduce_only_order_never_flips_the_position():
    session = holding(5)
    event = session.place(SELL, 9, reduce_only=True)
    assert (event["state"], event["lots"], event["filled"]) == (State.FILLED, 5, 5)
    assert session.position() == 0


def test_resting_reduce_only_orders_cover_the_position_once():
    session = holding(5)
    assert session.place(SELL, 3, 10_030, reduce_only=True)["lots"] == 3
    assert session.place(SELL, 3, 10_031, reduce_only=True)["lots"] == 2
    assert session.place(SELL, 3, 10_032, reduce_only=True)["cause"] == Cause.COVERED


def test_closing_at_once_takes_precedence_over_resting_reduce_only_orders():
    session = holding(5)
    session.place(SELL, 5, 10_030, reduce_only=True)
    _, rows = session.command(CommandKind.PLACE, placed=session.order(SELL, 0, close=True))
    assert session.position() == 0
    assert [(row["order"], row["state"], row["cause"]) for row in rows["order_events"]] == [
        (3, State.FILLED, Cause.ACCEPTED),
        (2, State.CANCELLED, Cause.POSITION_CLOSED),
    ]


def test_the_newest_reduce_only_orders_shrink_when_the_position_does():
    session = holding(9)
    for ticks in (10_030, 10_031, 10_032):
        session.place(SELL, 3, ticks, reduce_only=True)
    session.place(SELL, 4)  # five lots are left
    assert sizes(session) == [(2, 3), (3, 2)]
    assert session.venues[1].levels(SELL, 100)["lots"].tolist()[-2:] == [3, 2]


def test_a_shrunk_order_keeps_its_place_and_what_is_filled():
    session = holding(9)
    session.place(SELL, 9, 10_030, reduce_only=True)
    session.venues[1].arrive(SELL, 10_030, 5)
    session.place(SELL, 2)
    rows = session.trade(BUY, 196)
    assert session.position() == 2
    event = rows["order_events"][0]
    assert (event["lots"], event["filled"], event["state"]) == (7, 5, State.PARTIALLY_FILLED)


def test_a_fill_of_one_order_shrinks_the_others():
    session = holding(5)
    session.place(SELL, 3, 10_000, reduce_only=True)
    session.place(SELL, 2, 10_030, reduce_only=True)
    session.place(SELL, 4, 10_000)  # not reduce-only: flips once the first two fill
    session.trade(BUY, 5)
    assert (session.position(), sizes(session)) == (0, [(4, 2)])


def test_a_flip_cancels_reduce_only_orders():
    session = holding(5)
    session.place(SELL, 5, 10_030, reduce_only=True)
    session.place(SELL, 8)
    assert (session.position(), sizes(session)) == (-3, [])


def test_amending_a_reduce_only_order_cannot_exceed_the_position():
    session = holding(5)
    session.place(SELL, 2, 10_030, reduce_only=True)
    session.place(SELL, 2, 10_031, reduce_only=True)
    answer, _ = session.command(CommandKind.AMEND, order=2, lots=9)
    assert (answer["cause"], answer["lots"]) == (Cause.AMENDED, 3)
    answer, _ = session.command(CommandKind.AMEND, order=2, lots=9)
    assert answer["cause"] == Cause.NOTHING_TO_AMEND


def test_a_closing_limit_order_takes_the_size_of_the_position():
    session = holding(-7)
    event = session.place(BUY, 0, 9_990, close=True)
    assert (event["state"], event["lots"]) == (State.NEW, 7)
    assert Session().place(BUY, 0, 9_990, close=True)["cause"] == Cause.NOT_REDUCING


def test_a_stop_loss_and_a_take_profit_end_with_the_position():
    session = holding(5)
    stop = {"close": True, "trigger_direction": TriggerDirection.FALLING}
    session.place(SELL, 0, trigger_ticks=9_900, **stop)
    session.place(SELL, 0, trigger_ticks=10_100, close=True)
    session.place(SELL, 2, trigger_ticks=10_200)  # not bound to the position
    session.place(SELL, 0, close=True)
    states = {order.id: order.state for order in session.store.orders.values()}
    assert [states[key] for key in (2, 3, 4)] == [
        State.EXPIRED,
        State.EXPIRED,
        State.UNTRIGGERED,
    ]


def test_a_take_profit_may_wait_for_its_entry():
    session = Session()
    session.place(BUY, 3, 9_995)
    session.place(SELL, 0, trigger_ticks=10_100, close=True)
    session.trade(SELL, 53, 9_995)
    assert (session.position(), len(session.open_orders())) == (3, 1)
    session.trade(BUY, 3)
    session.trade(BUY, 197)
    session.venues[1].arrive(BUY, 10_050, 50)
    session.venues[1].arrive(SELL, 10_100, 1)
    session.trade(BUY, 1, 10_100)
    assert session.position() == 0
    assert session.store.orders[2].state is State.FILLED


def test_a_triggered_close_without_a_position_is_rejected():
    session = Session()
    session.place(SELL, 0, trigger_ticks=10_003, close=True)
    session.trade(BUY, 30)
    assert session.store.orders[1].state is State.REJECTED


def test_reduce_only_with_immediate_time_in_force():
    session = holding(5)
    session.place(SELL, 5, 10_030, reduce_only=True)
    event = session.place(SELL, 9, 9_990, reduce_only=True, tif=TimeInForce.IOC)
    assert (event["state"], event["filled"]) == (State.FILLED, 5)
    assert (session.position(), sizes(session)) == (0, [])


def test_order_type_of_a_close_is_free():
    session = holding(5)
    event = session.place(SELL, 0, 9_999, close=True, type=OrderType.LIMIT)
    assert (event["state"], event["filled"]) == (State.FILLED, 5)
