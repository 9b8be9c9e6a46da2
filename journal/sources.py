"""Protocols of record sources and of the threads that run beside them. Pure."""

from typing import Protocol

from journal.intake import Bundle


class Put(Protocol):
    """`Intake.put`."""

    def __call__(self, bundle: Bundle, *, urgent: bool = False) -> bool: ...


class Source(Protocol):
    """Produces records in its own threads."""

    @property
    def is_running(self) -> bool: ...

    def start(self, put: Put) -> None:
        """Start; pass each bundle to `put`, which waits for room and returns False once closed."""

    def finish(self) -> None:
        """Put last records, such as a checkpoint, and end, within a second.

        Called before the intake closes. A source without last records may do nothing.
        """

    def stop(self) -> None:
        """Stop all threads and wait for them; the intake is closed."""

    def join(self, timeout: float) -> None:
        """Wait up to `timeout` s for the threads to end."""


class Companion(Protocol):
    """A thread that runs beside the sources: started after them, stopped before them."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """Stop the thread and wait for it, for a bounded time."""
