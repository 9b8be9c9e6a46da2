"""Another source takes over the ticks of an instrument from the simulation."""

import threading
from itertools import count

import numpy as np
import pytest

from market.kinds import Delivery
from quotes.kinds import QUOTES, REGIMES
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.simulation import Simulation
from quotes.law.walker import MarketLaw, Start, Walker
from rig.waiting import PATIENCE_S

PERIOD_S = 0.001
STEP_S = 0.0003
"""The injected clock advances by this much at each reading."""
SYMBOLS = {1: "ES", 2: "NQ"}


class Clock:
    """A clock that moves on its own, a step per reading."""

    def __init__(self) -> None:
        self._readings = count()

    def __call__(self) -> float:
        return next(self._readings) * STEP_S


class Recorded:
    """Collects the deliveries of one simulation; knows when an instrument has `n` ticks."""

    def __init__(self) -> None:
        self.bundles: list[tuple[Delivery, ...]] = []
        self._arrived = threading.Condition()

    def put(self, bundle: tuple[Delivery, ...]) -> bool:
        with self._arrived:
            self.bundles.append(bundle)
            self._arrived.notify_all()
        return True

    def rows(self, kind, instrument):
        found = [
            delivery.rows
            for bundle in self.bundles
            for delivery in bundle
            if delivery.kind is kind and delivery.instrument_id == instrument
        ]
        return np.concatenate(found) if found else np.empty(0, kind.dtype)

    def wait_for(self, n, instrument):
        with self._arrived:
            assert self._arrived.wait_for(
                lambda: len(self.rows(QUOTES, instrument)) >= n, PATIENCE_S
            )


def start_of(instrument: int) -> Start:
    law = MarketLaw(
        instrument=instrument,
        symbol=SYMBOLS[instrument],
        seed=5,
        interval_us=1_000_000,
        first_seq=1,
        started_at=0,
        start=WalkState(20_000, 1),
        regimes=RegimeLaw(20, 2),
    )
    return Start(law, 1, law.start)


@pytest.mark.parametrize("ticks_before", [0, 1, 40])
def test_released_instrument_continues_without_losing_or_shifting_a_tick(ticks_before):
    clock, recorded = Clock(), Recorded()
    simulation = Simulation([start_of(1), start_of(2)], 1 / PERIOD_S, clock=clock)
    simulation.start(recorded.put)
    try:
        recorded.wait_for(ticks_before, 1)
        walker, pace, last_seq = simulation.release(1)
        done = len(recorded.rows(QUOTES, 1))
        assert (walker.next_seq, last_seq) == (done + 1, None)
        first_due = pace.next_at - done * PERIOD_S - pace.late_slots * PERIOD_S
        while done < 100:
            if n := pace.take_due(clock()):
                recorded.put(walker.take(n))
                done += n
        assert pace.next_at == pytest.approx(first_due + (done + pace.late_slots) * PERIOD_S)
        recorded.wait_for(100, 2)
    finally:
        simulation.stop()
    for instrument in SYMBOLS:
        ticks = recorded.rows(QUOTES, instrument)
        expected = dict(Walker(*start_of(instrument)).take(len(ticks)))
        assert np.array_equal(ticks, expected[QUOTES])
        assert np.array_equal(recorded.rows(REGIMES, instrument), expected[REGIMES])


def test_released_instrument_keeps_the_last_tick_of_its_run():
    recorded = Recorded()
    simulation = Simulation([start_of(1)], 1 / PERIOD_S, duration_s=0.05, clock=Clock())
    simulation.start(recorded.put)
    recorded.wait_for(1, 1)
    released = simulation.release(1)
    assert not simulation.is_running
    assert released.last_seq == 50
    simulation.stop()


def test_only_instruments_of_the_simulation_can_be_released():
    simulation = Simulation([start_of(1)], 1.0)
    with pytest.raises(KeyError, match="instrument 7 is not in this simulation"):
        simulation.release(7)
