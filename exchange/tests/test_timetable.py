from hypothesis import given
from hypothesis import strategies as st

from exchange.running.timetable import Timetable
from quotes.law.pace import Pace
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.walker import MarketLaw

LAW = MarketLaw(1, "ES", 1, 1_000_000, 1, 50_000_000, WalkState(20_000, 1), RegimeLaw())


def timetable(period=1.0, started=100.0, last=None):
    return Timetable(LAW, Pace(started, period), next_slot=1, last_slot=last)


def test_simulated_time_flows_between_ticks():
    table = timetable()
    assert [table.due(now) for now in (99.5, 99.75, 100.0, 100.25, 101.5)] == [
        49_500_000,
        49_750_000,
        50_000_000,
        50_250_000,
        51_500_000,
    ]
    assert table.next_slot == 3


def test_time_stands_still_before_the_first_slot_begins():
    assert timetable().due(90.0) == LAW.at(0)


def test_late_slots_delay_simulated_time():
    table = timetable()
    table.due(100.0)
    assert table.due(110.5) == 51_500_000
    assert table.next_slot == 3


def test_timetable_ends_with_the_last_slot():
    table = timetable(last=3)
    assert table.due(101.9) == LAW.at(2) + 900_000
    assert not table.has_ended
    assert table.due(102.1) == LAW.at(3)
    assert table.has_ended
    assert table.due(500.0) == LAW.at(3)
    assert table.lag_s(500.0) == 0.0


@given(st.lists(st.floats(0, 0.5), max_size=40), st.sampled_from([0.00001, 0.001, 0.3, 1.0, 60.0]))
def test_simulated_time_never_runs_backwards_or_past_the_slot_in_progress(waits, period):
    table, now, before = timetable(period, 0.0), 0.0, LAW.at(0)
    for wait in waits:
        now += wait
        until = table.due(now)
        assert before <= until
        assert LAW.at(table.next_slot - 1) <= until < LAW.at(table.next_slot)
        before = until
