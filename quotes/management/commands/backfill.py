from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from journal.journal import Journal
from market.timeframes import MICROSECONDS
from market.times import EARLIEST, FIRST_YEAR, to_microseconds
from quotes.backfilling import Span, fill, missing
from quotes.extensions import Extension, Options, extensions
from quotes.lawruns import RunOptions, instruments_to_drive
from quotes.management.base import (
    QuietCommand,
    UsageError,
    add_instruments,
    moment,
    positive,
    seed,
)

HOUR_S = 3600


class Command(QuietCommand):
    help = "Generate the missing end of a simulated history. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        since = parser.add_mutually_exclusive_group(required=True)
        since.add_argument(
            "--hours", type=positive, metavar="H", help="start H hours before --until"
        )
        since.add_argument("--since", type=moment, metavar="T", help="start at this time")
        parser.add_argument(
            "--until", type=moment, metavar="T", help="end at this time, inclusive (default: now)"
        )
        add_instruments(parser)
        parser.add_argument(
            "--seed", type=seed, metavar="N", help="seed of a new history (default: as for runsim)"
        )
        parser.add_argument(
            "--interval", type=positive, metavar="S", help="simulated seconds between ticks"
        )
        for extension in extensions():
            extension.add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        until = to_microseconds(options["until"] or timezone.now().replace(microsecond=0))
        since = (
            to_microseconds(options["since"])
            if options["since"]
            else until - round(options["hours"] * HOUR_S * MICROSECONDS)
        )
        if since > until:
            raise UsageError("--since is later than --until: swap them")
        if since < EARLIEST:
            raise UsageError(f"--hours reaches back before the year {FIRST_YEAR}: use fewer")
        interval = options["interval"]
        run_options = RunOptions(
            options["seed"], round(interval * MICROSECONDS) if interval else None
        )
        instruments = instruments_to_drive(options["instruments"])
        stored: dict[str, int] = {}
        report: dict[str, object] = {}
        with Journal(instruments) as journal:
            gaps = {i: missing(journal, i.pk, Span(since, until), run_options) for i in instruments}
            total = sum(gap.n for gap in gaps.values())
            with self.progress(total, "Back-filling") as advance:

                def count(n: int) -> None:
                    journal.renew_leases()
                    advance(n)

                for instrument, gap in gaps.items():
                    fill(journal, instrument.pk, gap, run_options, count)
                    stored[instrument.symbol] = gap.n
            for extension in extensions():
                report |= self.extend(extension, journal, since, options)
        self.finish(
            {"ticks": total, "instruments": stored, **report},
            f"{total:,} ticks of {len(instruments)} instruments generated",
        )

    def extend(
        self, extension: Extension, journal: Journal, since: int, options: Options
    ) -> Mapping[str, object]:
        """Let `extension` complete its history up to the quotes; return its report."""
        total = extension.missing(journal, since, options)
        with self.progress(total, f"Back-filling {extension.name}") as advance:

            def count(n: int) -> None:
                journal.renew_leases()
                advance(n)

            return extension.fill(journal, since, options, count)
