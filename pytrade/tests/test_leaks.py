"""The trace of leaks names the lines of code whose memory grows."""

import tracemalloc

import pytest

from pytrade.leaks import LEAST_BYTES, LeakTrace
from rig.waiting import wait_until


def test_growing_memory_is_reported_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    trace, kept = LeakTrace(3_600), []
    tracemalloc.start()
    try:
        trace.report()
        assert not caplog.records  # start-up is no leak
        kept.append(bytes(2 * LEAST_BYTES))
        trace.report()
    finally:
        tracemalloc.stop()
    assert f"{__file__}:" in caplog.text


def test_trace_reports_until_it_is_stopped(caplog: pytest.LogCaptureFixture) -> None:
    trace = LeakTrace(0.01)
    trace.start()
    wait_until(lambda: "memory traced" in caplog.text, "the first report")
    trace.stop()
    assert not tracemalloc.is_tracing()
