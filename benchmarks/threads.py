"""1,000 instruments at one tick per second in one process: lag, CPU time, memory."""

import asyncio
import resource
import threading
import time

import numpy as np
from django.db import connection

from benchmarks.harness import report, scratch_market
from instruments.models import Instrument
from quotes.lawruns import RunOptions
from quotes.livemarket import LiveMarket, Plan

INSTRUMENTS = 1_000
SECONDS = 20


def main() -> None:
    with scratch_market():
        Instrument.objects.bulk_create(
            Instrument(symbol=f"S{index}", name="benchmark", tick_size="0.25")
            for index in range(INSTRUMENTS)
        )
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        plan = Plan(list(Instrument.objects.all()), RunOptions(seed=7), duration_s=SECONDS)
        market = LiveMarket(plan, loop)
        before, started = time.process_time(), time.monotonic()
        summary = market.run(lambda: False)
        cores = (time.process_time() - before) / (time.monotonic() - started)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
    lags_ms = np.array(market.lags) * 1000
    report(
        "threads",
        {
            "database": connection.vendor,
            "instruments": INSTRUMENTS,
            "ticks recorded": summary.recorded,
            "late slots": summary.late_slots,
            "schedule lag p50, ms": round(float(np.percentile(lags_ms, 50)), 1),
            "schedule lag p99, ms (target < 50)": round(float(np.percentile(lags_ms, 99)), 1),
            "cores used (target < 1)": round(cores, 2),
            "peak RSS, MB (target < 400)": round(
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            ),
        },
    )


if __name__ == "__main__":
    main()
