import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from quotes.auditing import audit
from quotes.management.base import QuietCommand, add_instruments, chosen_instruments
from quotes.models import Quote


class Command(QuietCommand):
    help = "Prove that seq has no holes, that candles equal their ticks, that regimes tile time."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_instruments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        instruments = chosen_instruments(options["instruments"])
        latest = [Quote.objects.latest_of(instrument) for instrument in instruments]
        total = sum(quote.seq for quote in latest if quote is not None)
        with self.progress(total, "Auditing") as advance:
            reports = [audit(instrument, advance) for instrument in instruments]
        violations = [violation for report in reports for violation in report.violations]
        count = sum(report.violation_count for report in reports)
        summary = {
            "ok": count == 0,
            "instruments": len(reports),
            "quotes": sum(report.quotes for report in reports),
            "candles": sum(report.candles for report in reports),
            "regimes": sum(report.regimes for report in reports),
            "violation_count": count,
            "violations": violations,
            "seconds": round(time.monotonic() - started, 3),
        }
        verdict = (
            f"{summary['quotes']:,} quotes, {summary['candles']:,} candles and "
            f"{summary['regimes']:,} regimes of {len(reports)} instruments audited: "
            + (f"{count:,} violations" if count else "all true")
        )
        self.finish(summary, "\n".join([*violations, verdict]))
        if count:
            raise CommandError(f"{count:,} violations found")
