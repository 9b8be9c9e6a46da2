"""Registry of what other apps add to runs of the law: options, live sources and history.

The exchange adds its books here, because quotes do not import it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from django.core.management.base import CommandParser

from journal.journal import Journal
from journal.sources import Source
from quotes.law.simulation import Simulation

Options = Mapping[str, Any]
"""Options of the command, by name; they may be incomplete."""


class ExtensionError(RuntimeError):
    """An extension cannot continue its history; the message is one line for users."""


class LiveExtension(Source, Protocol):
    """A source that runs beside the simulation of one live market."""

    @property
    def lag_s(self) -> float:
        """Lag in seconds of the instrument furthest behind its schedule, 0 if none is behind."""

    @property
    def error(self) -> Exception | None:
        """The error that ended the source, if any; it ends the run."""

    def summary(self) -> Mapping[str, object]:
        """Return what to add to the result of the run."""


class Extension(Protocol):
    """What one app adds. `name` names its records to users, e.g. "books"."""

    @property
    def name(self) -> str: ...

    def add_options(self, parser: CommandParser) -> None:
        """Add options to `runsim` and `backfill`."""

    def open(
        self, journal: Journal, simulation: Simulation, options: Options
    ) -> LiveExtension | None:
        """Return the source for a live market that is about to start, None if there is none."""

    def missing(self, journal: Journal, since: int, options: Options) -> int:
        """Return how many slots of the recorded quotes `fill` would run through."""

    def fill(
        self, journal: Journal, since: int, options: Options, advance: Callable[[int], None]
    ) -> Mapping[str, object]:
        """Complete the history up to the recorded quotes; return what to report.

        A history that does not exist yet begins at `since` (microseconds since 1970 UTC).
        `advance` is called with the number of slots of each step.
        """


_extensions: list[Extension] = []


def register(extension: Extension) -> None:
    _extensions.append(extension)


def extensions() -> tuple[Extension, ...]:
    return tuple(_extensions)
