"""Many viewers share one computation."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from web.sharedresults import SharedResult


class Counter:
    """Counts how often it was called; waits for `may_go` first."""

    def __init__(self) -> None:
        self.calls = 0
        self.may_go = threading.Event()
        self.may_go.set()
        self.started = threading.Event()

    def __call__(self) -> int:
        self.started.set()
        assert self.may_go.wait(20)
        self.calls += 1
        return self.calls


def test_expired_result_is_computed_again() -> None:
    now = [0.0]
    shared = SharedResult(Counter(), 1.0, clock=lambda: now[0])
    assert [shared.get(), shared.get()] == [1, 1]
    now[0] = 1.0
    assert shared.get() == 2
    shared.forget()
    assert shared.get() == 3


def test_peeking_computes_nothing() -> None:
    now = [0.0]
    make = Counter()
    shared = SharedResult(make, 1.0, clock=lambda: now[0])
    assert shared.peek() is None
    shared.get()
    assert shared.peek() == 1
    now[0] = 1.0
    assert shared.peek() is None
    assert make.calls == 1


def test_concurrent_callers_share_one_computation() -> None:
    make = Counter()
    make.may_go.clear()
    shared = SharedResult(make, 60.0)
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(shared.get) for _ in range(8)]
        assert make.started.wait(20)
        make.may_go.set()
        assert {one.result(20) for one in asked} == {1}
    assert make.calls == 1


def test_old_result_is_served_while_a_new_one_is_computed() -> None:
    now = [0.0]
    make = Counter()
    shared = SharedResult(make, 1.0, clock=lambda: now[0])
    shared.get()
    now[0] = 2.0
    make.started.clear()
    make.may_go.clear()
    with ThreadPoolExecutor(1) as threads:
        maker = threads.submit(shared.get)
        assert make.started.wait(20)
        assert shared.get() == 1
        make.may_go.set()
        assert maker.result(20) == 2


def test_error_is_cached_as_long_as_a_result() -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise OSError("unavailable")

    shared = SharedResult(fail, 60.0)
    for _ in range(3):
        with pytest.raises(OSError, match="unavailable"):
            shared.get()
    assert len(calls) == 1
