"""The wall clock of a door, which a fault profile may set wrong. Simulated time is another one."""

import time

_skew_ns = 0


def now_ns() -> int:
    """Return nanoseconds since 1970 UTC."""
    return time.time_ns() + _skew_ns


def now_s() -> float:
    return now_ns() / 1_000_000_000


def now_ms() -> int:
    return now_ns() // 1_000_000


def skew(ms: int) -> None:
    """Set the clock of all doors of this process ahead, or back."""
    global _skew_ns
    _skew_ns = ms * 1_000_000
