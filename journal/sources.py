"""Where records come from, and what works beside it. Pure."""

from collections.abc import Callable
from typing import Protocol

from journal.intake import Bundle

Put = Callable[[Bundle], bool]


class Source(Protocol):
    """Makes records in threads of its own."""

    @property
    def is_running(self) -> bool: ...

    def start(self, put: Put) -> None:
        """Start; hand every bundle to `put`, which waits for room and returns False at the end."""

    def stop(self) -> None:
        """End all threads and wait for them."""

    def join(self, timeout: float) -> None:
        """Wait up to `timeout` s for the end."""


class Companion(Protocol):
    """A thread that works beside the sources."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """End it and wait for its end."""
