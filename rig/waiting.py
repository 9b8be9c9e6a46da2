"""Wait for events with a generous limit, so that a busy machine does not fail a test."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_S = 180.0
PAUSE_S = 0.05


def wait_until(
    condition: Callable[[], Found | None], what: str, limit_s: float = PATIENCE_S
) -> Found:
    """Call `condition` until it returns a true value, and return that value.

    Raise TimeoutError with `what` and the last value after `limit_s`.
    """
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {limit_s:.0f} s; the last value is {found!r}")
        time.sleep(PAUSE_S)
    return found
