import time
from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import F, Sum
from django.utils.text import get_text_list

from archive.auditing import audit, audit_all
from journal.models import Stream
from market.kinds import kinds
from quotes.kinds import CANDLES, QUOTES
from quotes.management.base import QuietCommand, add_instruments, chosen_instruments


class Command(QuietCommand):
    help = "Check that seq has no gaps, candles equal their ticks and regimes cover every tick."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_instruments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        instruments = chosen_instruments(options["instruments"])
        streams = Stream.objects.filter(instrument__in=instruments)
        total = streams.aggregate(total=Sum(F("last_seq") - F("pruned_seq")))["total"] or 0
        with self.progress(total, "Auditing") as advance:
            reports = [audit(instrument, advance) for instrument in instruments]
        reports += audit_all()
        violations = [violation for report in reports for violation in report.violations]
        count = sum(report.violation_count for report in reports)
        counts = sum((report.counts for report in reports), Counter[str]())
        names = tables(counts)
        summary = {
            "ok": count == 0,
            "instruments": len(instruments),
            **{name: counts[name] for name in names},
            "violation_count": count,
            "violations": violations,
            "seconds": round(time.monotonic() - started, 3),
        }
        shown = [f"{counts[name]:,} {name}" for name in names if counts[name]] or ["no records"]
        audited = get_text_list(shown, "and")
        verdict = f"{audited} of {len(instruments)} instruments audited: " + (
            f"{count:,} violations" if count else "no violations"
        )
        self.finish(summary, "\n".join([*violations, verdict]))
        if count:
            raise CommandError(f"{count:,} violations found")


def tables(counts: Counter[str]) -> list[str]:
    """Return the names of all kinds and of the derived tables that were audited."""
    names = [QUOTES.name, CANDLES.name, *(kind.name for kind in kinds()), *counts]
    return list(dict.fromkeys(names))
