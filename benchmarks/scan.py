"""All indicators of 1,000 instruments with default parameters, including database reads."""

import os
import time

import numpy as np
from django.db import connection

from benchmarks.harness import report, scratch_market
from indicators.models import Reading
from indicators.readings import scan_market
from instruments.models import Instrument
from journal.journal import Journal
from market.kinds import Delivery
from market.ticks import tick_array
from quotes.kinds import QUOTES

INSTRUMENTS = 1_000
MINUTES = 2_001
SCANS = 5


def fill(instruments: list[Instrument]) -> None:
    """Store a random walk per instrument: one tick per minute, then 500 faster ticks."""
    rng = np.random.default_rng(7)
    at = np.concatenate(
        [np.arange(MINUTES) * 60_000_000, MINUTES * 60_000_000 + np.arange(500) * 10_000]
    )
    seq = np.arange(1, at.size + 1)
    with Journal(instruments) as journal:
        for instrument in instruments:
            steps = rng.choice([-1, 1], size=at.size)
            ticks = tick_array(
                instrument.pk, seq, 1_767_225_600_000_000 + at, 100_000 + np.cumsum(steps)
            )
            journal.append([Delivery(QUOTES, ticks)])


def main() -> None:
    with scratch_market():
        instruments = Instrument.objects.bulk_create(
            Instrument(symbol=f"S{index}", name="benchmark", tick_size="0.25")
            for index in range(INSTRUMENTS)
        )
        fill(list(instruments))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        seconds = []
        for _ in range(SCANS):
            Reading.objects.all().delete()
            started = time.perf_counter()
            made = scan_market(Instrument.objects.order_by("pk"), lambda publications: None)
            seconds.append(time.perf_counter() - started)
        report(
            f"scan-{connection.vendor}",
            {
                "database": connection.vendor,
                "instruments": INSTRUMENTS,
                "readings stored": made,
                "processors": len(os.sched_getaffinity(0)),
                "first scan, including kernel loading, s": round(seconds[0], 2),
                "later scans, s (target < 2 on two cores)": round(min(seconds[1:]), 2),
            },
        )


if __name__ == "__main__":
    main()
