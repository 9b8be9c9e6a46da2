"""Shared behaviour of our commands: --json, one-line errors, a progress bar on terminals."""

import argparse
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from instruments.models import Instrument
from journal.journal import JournalError
from journal.leases import LeaseHeldError, LeaseLostError
from journal.streams import FencedError
from market.integers import parse_integer
from market.times import compact_date, from_microseconds, parse_moment
from quotes.extensions import ExtensionError
from quotes.lawruns import RunError

FAILED, USAGE, INTERRUPTED = 1, 2, 130

LARGEST = 1e9
"""Upper limit of seconds, hours and factors: 31 years in seconds."""
UNIT_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


EXPECTED = (
    LeaseHeldError,
    LeaseLostError,
    FencedError,
    JournalError,
    RunError,
    ExtensionError,
    OSError,
)
"""Errors that explain themselves to users."""


class UsageError(CommandError):
    """Invalid arguments: exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=USAGE)


class OneLineParser(CommandParser):
    """Reports invalid arguments on one line, without the usage text."""

    def error(self, message: str) -> NoReturn:
        if self.called_from_command_line:
            self.exit(USAGE, f"{self.prog}: {message} (--help shows the usage)\n")
        raise UsageError(message)


class QuietCommand(BaseCommand):
    """A command with `--json`, a progress bar on a terminal and one-line errors.

    Exit codes: 0 done, 1 failed, 2 invalid arguments, 130 interrupted.
    """

    requires_system_checks = []
    as_json = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = OneLineParser
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print the result as one JSON object"
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.as_json = bool(options.get("json"))
        try:
            return super().execute(*args, **options)
        except CommandError:
            raise
        except ValidationError as error:
            raise UsageError(spelled_out(error)) from error
        except EXPECTED as error:
            raise CommandError(one_line(error)) from error
        except DatabaseError as error:
            raise CommandError(
                f"database error: {one_line(error)} (is the database running and migrated?)"
            ) from error
        except KeyboardInterrupt as error:
            raise CommandError("interrupted", returncode=INTERRUPTED) from error

    def finish(self, report: Mapping[str, object], text: str = "") -> None:
        """Print `report` as JSON with --json, else `text`.

        Without `text`, print the members of the report, one per line.
        """
        if self.as_json:
            self.stdout.write(orjson.dumps(dict(report), default=str).decode())
        else:
            self.stdout.write(text or "\n".join(f"{key}: {value}" for key, value in report.items()))

    @contextmanager
    def progress(self, total: float | None, description: str) -> Iterator[Callable[[float], None]]:
        """Show a progress bar while the block runs; yield `advance(amount)`.

        `total` None means an unknown total. If stderr is not a terminal, show nothing.
        """
        if not sys.stderr.isatty():
            yield lambda amount: None
            return
        # Few commands draw a bar, and loading rich takes a tenth of a second.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(description, total=total)
            yield lambda amount: progress.advance(task, amount)


def spelled_out(error: ValidationError) -> str:
    """Return all messages of `error` with their fields on one line."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    fields = error.message_dict.items()
    return "; ".join(f"{name.replace('_', ' ')}: {' '.join(texts)}" for name, texts in fields)


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def add_instruments(parser: CommandParser, default: tuple[str, ...] = ("all",)) -> None:
    """Add `--instruments ES NQ | all`, to be resolved by `chosen_instruments`."""
    parser.add_argument(
        "--instruments",
        nargs="+",
        metavar="SYMBOL",
        default=list(default),
        help=f"symbols, or all (default: {' '.join(default)})",
    )


def chosen_instruments(symbols: list[str]) -> list[Instrument]:
    """Return the instruments of `symbols`; raise UsageError for unknown symbols."""
    try:
        return Instrument.objects.by_symbols(symbols)
    except ValidationError as error:
        raise UsageError(" ".join(error.messages)) from error


def address(text: str) -> tuple[str, int]:
    """Parse ADDR:PORT; without an address, that of this machine alone."""
    host, _, port = text.rpartition(":")
    try:
        return host.strip("[]") or "127.0.0.1", parse_integer(port, 0, 65_535)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an address: use ADDR:PORT, e.g. 127.0.0.1:8010"
        ) from None


def positive(text: str) -> float:
    """Parse a number above 0, up to LARGEST."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= LARGEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number above 0 and at most {LARGEST:,.0f}"
        )
    return number


def seed(text: str) -> int:
    """Parse a signed 64-bit integer."""
    return _integer(text, -(2**63), 2**63 - 1)


def whole(text: str) -> int:
    """Parse a whole number of at least 1."""
    return _integer(text, 1, 10**18)


def _integer(text: str, low: int, high: int) -> int:
    try:
        return parse_integer(text, low, high)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def duration_s(text: str) -> float:
    """Parse a duration into seconds: `12h`, `1h30m`, `2d`, `500ms`, or a number of seconds."""
    terms = re.findall(r"([0-9]*\.?[0-9]+)(ms|[smhdw])", text)
    if terms and "".join(number + unit for number, unit in terms) == text:
        seconds = sum(float(number) * UNIT_S[unit] for number, unit in terms)
    else:
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
    if not 0 < seconds <= LARGEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a duration above 0 and at most 30 years: "
            "use e.g. 12h, 90m, 1h30m, 2d or seconds"
        )
    return seconds


def moment(text: str) -> datetime:
    """Parse a point in time: RFC 3339 (UTC if it has no offset) or epoch milliseconds."""
    try:
        if date := compact_date(text):
            raise ValueError(
                f"{text!r} could be the date {date} or epoch milliseconds: "
                f"write a date as {date.isoformat()}"
            )
        return from_microseconds(parse_moment(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
