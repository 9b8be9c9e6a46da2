"""Pacing of requests to a venue."""

import pytest

from venues.deribit.client.pacing import Pacer, QueueFullError


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_requests_are_evenly_spaced() -> None:
    pacer = Pacer(Clock(), per_s=10)
    assert [pacer.delay_s() for _ in range(4)] == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_no_second_has_more_requests_than_allowed() -> None:
    clock = Clock()
    pacer, sent = Pacer(clock, per_s=15), []
    for step in range(400):
        clock.now = 100.0 + step * 0.01
        sent.append(clock.now + pacer.delay_s())
    assert all(late - early >= 1 - 1e-6 for early, late in zip(sent, sent[15:], strict=False))


def test_pause_earns_no_more_than_the_burst() -> None:
    clock = Clock()
    pacer = Pacer(clock, per_s=10, burst=3)
    clock.now = 1_000.0
    assert [pacer.delay_s() for _ in range(4)] == pytest.approx([0.0, 0.0, 0.0, 0.1])


def test_request_beyond_the_bound_is_refused_and_takes_no_moment() -> None:
    clock = Clock()
    pacer = Pacer(clock, per_s=10, most_waiting=2)
    for _ in range(2):
        pacer.delay_s()
    assert pacer.waiting == 2
    for _ in range(3):
        with pytest.raises(QueueFullError, match="2 requests wait"):
            pacer.delay_s()
    clock.now += 0.1
    assert pacer.delay_s() == pytest.approx(0.1)


def test_rate_must_be_positive() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Pacer(Clock(), per_s=0)
