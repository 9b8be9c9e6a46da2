from hypothesis import given
from hypothesis import strategies as st

from quotes.law.pace import LARGEST_BURST, Pace


def test_slots_stay_on_the_grid_without_drift():
    pace = Pace(started=100.0, period=1.0)
    taken = [pace.take_due(100.0 + k + 0.3) for k in range(1000)]
    assert taken == [1] * 1000
    assert pace.next_at == 1100.0
    assert pace.late_slots == 0


def test_late_slots_are_counted_not_bunched():
    pace = Pace(started=0.0, period=1.0)
    assert pace.take_due(0.0) == 1
    assert pace.take_due(10.5) == 1
    assert pace.late_slots == 9
    assert pace.take_due(10.9) == 0
    assert pace.next_at == 11.0


@given(st.lists(st.floats(0, 0.5), max_size=50), st.sampled_from([0.0001, 0.001, 0.1, 1.0]))
def test_every_slot_is_either_taken_or_late(waits, period):
    pace, now, given_slots = Pace(0.0, period), 0.0, 0
    for wait in waits:
        now += wait
        given_slots += pace.take_due(now)
    due = int(now / period) + 1
    assert abs(given_slots + pace.late_slots - (due if waits else 0)) <= 1


def test_burst_is_bounded_at_any_speed() -> None:
    assert Pace(0.0, 1e-9).take_due(10.0) == LARGEST_BURST
