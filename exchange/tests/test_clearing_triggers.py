"""Conditional orders."""

import pytest

from exchange.clearing.commands import CommandKind
from exchange.clearing.orders import Cause, Order, OrderType, State, TriggerBy, TriggerDirection
from exchange.clearing.triggers import Triggers
from exchange.engine.messages import BUY, SELL
from exchange.tests.venue import Session, Venue

FALLING = {"trigger_direction": TriggerDirection.FALLING}
MARK = {"trigger_by": TriggerBy.MARK}


def history(session, order):
    """Return the states of an order so far."""
    state, of = 8, 6  # columns of an order event after the name of its kind
    rows = [row for row in session.store.rows if row[0] == "order_events" and row[of] == order]
    return [State(row[state]) for row in rows]


def test_a_conditional_order_waits_outside_the_book():
    session = Session([Venue()])
    event = session.place(BUY, 5, 10_010, trigger_ticks=10_005)
    assert (event["state"], event["trigger_ticks"]) == (State.UNTRIGGERED, 10_005)
    assert session.venues[1].best(BUY) is None


@pytest.mark.parametrize(
    ("trigger_ticks", "direction", "cause"),
    [
        (10_000, TriggerDirection.RISING, Cause.TRIGGER_NOT_ABOVE),
        (9_999, TriggerDirection.RISING, Cause.TRIGGER_NOT_ABOVE),
        (10_000, TriggerDirection.FALLING, Cause.TRIGGER_NOT_BELOW),
        (10_001, TriggerDirection.FALLING, Cause.TRIGGER_NOT_BELOW),
        (10_001, TriggerDirection.RISING, Cause.ACCEPTED),
        (9_999, TriggerDirection.FALLING, Cause.ACCEPTED),
    ],
)
@pytest.mark.parametrize("trigger_by", list(TriggerBy))
def test_a_trigger_price_must_be_ahead_of_the_price(trigger_ticks, direction, cause, trigger_by):
    event = Session([Venue()]).place(
        BUY,
        1,
        10_000,
        trigger_ticks=trigger_ticks,
        trigger_direction=direction,
        trigger_by=trigger_by,
    )
    assert event["cause"] == cause


def test_a_stop_order_fires_on_the_last_price_and_only_once():
    session = Session()
    session.place(BUY, 5, trigger_ticks=10_003)
    session.trade(BUY, 20)  # up to 10,002
    assert history(session, 1) == [State.UNTRIGGERED]
    session.trade(BUY, 5)  # at 10,003
    assert history(session, 1) == [State.UNTRIGGERED, State.TRIGGERED, State.FILLED]
    session.trade(BUY, 5)
    assert session.position() == 5


def test_a_price_within_a_batch_of_trades_fires():
    session, venue = Session(), None
    session.place(SELL, 5, trigger_ticks=9_998, **FALLING)
    venue = session.venues[1]
    low = venue.arrive(SELL, 9_998, 25)
    high = venue.arrive(BUY, 10_001, 1)
    batch = low.copy()
    batch.resize(len(low) + len(high))
    batch[len(low) :] = high
    session.desk.on_trades(1, batch)
    session.collect()
    assert session.position() == -5


def test_a_stop_order_fires_on_the_mark():
    session = Session()
    session.place(SELL, 5, trigger_ticks=9_990, **FALLING, **MARK)
    session.trade(SELL, 200)  # the last price plays no part
    session.venues[1].fill()
    session.move(9_991)
    assert history(session, 1) == [State.UNTRIGGERED]
    session.move(9_990)
    assert history(session, 1) == [State.UNTRIGGERED, State.TRIGGERED, State.FILLED]
    session.move(9_989)
    assert session.position() == -5


def test_a_triggered_limit_order_rests():
    session = Session()
    session.place(BUY, 5, 10_002, trigger_ticks=10_003)
    session.trade(BUY, 30)
    assert history(session, 1) == [State.UNTRIGGERED, State.TRIGGERED, State.NEW]
    session.trade(SELL, 5)
    assert session.position() == 5


def test_margin_is_checked_when_a_conditional_order_fires():
    session = Session(balances=(100,))
    assert session.place(BUY, 50, trigger_ticks=10_003)["cause"] == Cause.ACCEPTED
    rows = session.trade(BUY, 30)["order_events"]
    assert [(row["state"], row["cause"]) for row in rows] == [
        (State.TRIGGERED, Cause.TRIGGERED),
        (State.REJECTED, Cause.INSUFFICIENT_MARGIN),
    ]


def test_a_fired_order_fires_others_in_order_of_placement():
    session = Session(balances=(10_000, 10_000))
    session.place(BUY, 20, trigger_ticks=10_005)  # needs the fills of the second
    session.place(BUY, 30, trigger_ticks=10_002, account=2)
    session.place(BUY, 10, trigger_ticks=10_002)
    session.trade(BUY, 20)
    fired = [row[6] for row in session.store.rows if row[8:10] == (7, Cause.TRIGGERED)]
    assert fired == [2, 3, 1]
    assert (session.position(1), session.position(2)) == (30, 30)


def test_a_price_fires_even_if_it_is_left_again_in_the_same_pass():
    session = Session(balances=(10_000, 10_000))
    session.place(BUY, 60, trigger_ticks=10_002)  # up to 10,008
    session.place(SELL, 60, trigger_ticks=10_002, account=2)  # down to 9,994
    session.place(BUY, 5, trigger_ticks=10_007, account=2)
    session.trade(BUY, 20)
    assert session.position(2) == -55


def test_a_cancelled_conditional_order_does_not_fire():
    session = Session()
    session.place(BUY, 5, trigger_ticks=10_003)
    session.command(CommandKind.CANCEL, order=1)
    session.trade(BUY, 50)
    assert history(session, 1) == [State.UNTRIGGERED, State.CANCELLED]


def test_an_amended_trigger_price_counts():
    session = Session()
    session.place(BUY, 5, trigger_ticks=10_003)
    answer, _ = session.command(CommandKind.AMEND, order=1, trigger_ticks=10_005, lots=6)
    assert (answer["trigger_ticks"], answer["lots"]) == (10_005, 6)
    session.trade(BUY, 45)
    assert session.position() == 6
    session.place(BUY, 5, trigger_ticks=10_009)
    session.command(CommandKind.AMEND, order=2, trigger_ticks=10_007)
    session.trade(BUY, 20)
    assert session.position() == 11


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({}, Cause.NOTHING_TO_AMEND),
        ({"trigger_ticks": 0}, Cause.INVALID_TRIGGER),
        ({"trigger_ticks": 10**30}, Cause.INVALID_TRIGGER),
        ({"trigger_ticks": 10_000}, Cause.TRIGGER_NOT_ABOVE),
        ({"ticks": 10_000}, Cause.INVALID_TICKS),
        ({"lots": 0}, Cause.INVALID_LOTS),
    ],
)
def test_refused_amendments_of_a_conditional_market_order(change, cause):
    session = Session()
    session.place(BUY, 5, trigger_ticks=10_003)
    answer, _ = session.command(CommandKind.AMEND, order=1, **change)
    assert (answer["state"], answer["cause"]) == (State.UNTRIGGERED, cause)
    assert (answer["trigger_ticks"], answer["lots"]) == (10_003, 5)


def test_triggers_name_what_is_due_oldest_first():
    triggers = Triggers()
    orders = {
        key: Order(
            id=key,
            account=1,
            instrument=1,
            side=BUY,
            type=OrderType.MARKET,
            lots=1,
            trigger_ticks=ticks,
            trigger_direction=direction,
        )
        for key, ticks, direction in [
            (4, 105, TriggerDirection.RISING),
            (2, 103, TriggerDirection.RISING),
            (3, 97, TriggerDirection.FALLING),
            (1, 95, TriggerDirection.FALLING),
        ]
    }
    for order in orders.values():
        triggers.add(order)

    def due(lowest, highest):
        return [order.id for order in triggers.due(lowest, highest)]

    assert due(98, 102) == []
    assert due(95, 105) == [1, 2, 3, 4]
    assert due(97, 103) == [2, 3]
    triggers.discard(orders[2])
    triggers.discard(orders[2])
    assert (due(100, 104), due(100, 105), len(triggers)) == ([], [4], 3)
