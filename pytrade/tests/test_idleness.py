"""Idleness of instruments whose simulated time is behind the wall clock."""

from pytrade.idleness import Idleness


def test_only_the_first_look_relies_on_the_time_of_a_tick() -> None:
    now = 100.0
    idleness = Idleness(lambda: now)
    assert idleness.seconds("ES", 7, 30.0) == 30
    now += 1
    assert idleness.seconds("ES", 7, 31.0) == 31
    assert idleness.seconds("ES", 8, 30.0) == 0  # 30 s behind, but there is a new tick
    now += 4
    assert idleness.seconds("ES", 8, 34.0) == 4
    assert idleness.seconds("NQ", 8, 2.0) == 2
