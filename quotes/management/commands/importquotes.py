import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import CommandError, CommandParser

from journal.journal import JournalError
from quotes.files.clocks import TIME_FORMATS, Clock
from quotes.files.importing import ImportRefusedError, import_table
from quotes.files.tables import ColumnError, TableError, open_table
from quotes.management.base import QuietCommand, UsageError


class Command(QuietCommand):
    help = "Import quotes from CSV, CSV.gz or Parquet. An invalid file changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", help="file to read, or - for standard input")
        parser.add_argument(
            "--symbol", required=True, help="instrument; created if it does not exist"
        )
        parser.add_argument(
            "--tick-size",
            type=tick_size,
            metavar="T",
            help="smallest price step; required for a new instrument, fixed afterwards",
        )
        parser.add_argument(
            "--time-column", metavar="C", help="column of times (default: detected by name)"
        )
        parser.add_argument(
            "--price-column", metavar="C", help="column of prices (default: detected by name)"
        )
        parser.add_argument(
            "--timezone",
            type=timezone,
            default="UTC",
            metavar="TZ",
            help="time zone of times without an offset, e.g. America/New_York (default: UTC)",
        )
        parser.add_argument(
            "--time-format",
            choices=TIME_FORMATS,
            help="format of the times, compact: 202601310930 (default: detected from the first)",
        )
        parser.add_argument(
            "--on-duplicate",
            choices=["error", "skip"],
            default="error",
            help="what to do with a time that is already stored (default: error)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["file"]
        try:
            with opened(name) as (file, size):
                table = open_table(file, size, options["time_column"], options["price_column"])
                with self.progress(table.size, f"Importing {options['symbol']}") as advance:
                    report = import_table(
                        table,
                        symbol=options["symbol"],
                        tick_size=options["tick_size"],
                        clock=Clock(options["timezone"], options["time_format"]),
                        skip_duplicates=options["on_duplicate"] == "skip",
                        advance=advance,
                    )
        except ColumnError as error:
            raise UsageError(f"{name}: {error}") from error
        except (TableError, JournalError) as error:
            raise CommandError(f"{name}: {error}; nothing was stored") from error
        except ImportRefusedError as error:
            raise UsageError(str(error)) from error
        self.finish(
            report.as_json(),
            f"{report.imported:,} quotes imported into {report.symbol}, "
            f"{report.skipped:,} duplicates skipped",
        )


@contextmanager
def opened(name: str) -> Iterator[tuple[IO[bytes], int | None]]:
    """Open a file, or standard input for `-`; yield it and its size, None if unknown."""
    if name == "-":
        yield sys.stdin.buffer, None
        return
    path = Path(name)
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}") from error
    with file:
        yield file, path.stat().st_size if path.is_file() else None


def tick_size(text: str) -> Decimal:
    try:
        size = Decimal(text)
    except InvalidOperation:
        size = Decimal("NaN")
    if not (size.is_finite() and size > 0):
        raise ArgumentTypeError(f"{text!r} is not a decimal number above 0, e.g. 0.25")
    return size


def timezone(text: str) -> tzinfo:
    try:
        return UTC if text.upper() == "UTC" else ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ArgumentTypeError(
            f"{text!r} is not a time zone: use a name such as Europe/London or America/New_York"
        ) from None
