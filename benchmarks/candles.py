"""500 candles through the API against bare SQL and JSON, with few and with many rows stored."""

import os
import statistics
import time
from collections.abc import Callable

import orjson
from django.db import connection
from django.test import Client

from benchmarks.harness import report, scratch_market
from instruments.models import Instrument
from quotes.backfilling import Gap, fill
from quotes.fields import to_microseconds
from quotes.recorder import Recorder
from quotes.runs import SEEDED_MARKETS_OPEN_AT, Wish
from quotes.timeframes import TIMEFRAMES

STORED = (100_000, int(os.environ.get("BENCH_QUOTES", "10000000")))
CALLS = 200
LIMIT = 500
BARE = (
    "SELECT opened_at, open, high, low, close, count, first_seq, last_seq FROM quotes_candle "
    "WHERE instrument_id = %s AND timeframe = %s ORDER BY opened_at DESC LIMIT %s"
)


def median_ms(work: Callable[[], object]) -> float:
    """Return the median time of CALLS calls in milliseconds."""
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1000, 3)


def bare(instrument: Instrument, timeframe_s: int) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(BARE, [instrument.pk, timeframe_s, LIMIT])
        return orjson.dumps(cursor.fetchall())


def main() -> None:
    figures: dict[str, object] = {}
    client = Client(headers={"host": "localhost"})
    with scratch_market():
        market = Instrument.objects.create(symbol="ES", name="benchmark", tick_size="0.25")
        figures["database"] = connection.vendor
        stored = 0
        for target in STORED:
            opens_at = to_microseconds(SEEDED_MARKETS_OPEN_AT) + stored * 1_000_000
            with Recorder([market]) as recorder:
                fill(
                    recorder,
                    market.pk,
                    Gap(opens_at, target - stored),
                    Wish(seed=7),
                    lambda n: None,
                )
            stored = target
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
            for name in ("1m", "1h"):
                path = f"/api/v1/instruments/ES/candles/?timeframe={name}&limit={LIMIT}"
                answer = client.get(path)
                if answer.status_code != 200:
                    raise RuntimeError(f"{path}: {answer.status_code}")
                bare_ms = median_ms(lambda name=name: bare(market, TIMEFRAMES[name]))
                api_ms = median_ms(lambda path=path: client.get(path))
                label = f"{stored:,} quotes, {len(answer.json()['rows'])} candles of {name}"
                figures[f"{label}: bare, ms"] = bare_ms
                figures[f"{label}: API, ms"] = api_ms
                figures[f"{label}: ratio (target <= 2.5)"] = round(api_ms / bare_ms, 2)
    report(f"candles-{figures['database']}", figures)


if __name__ == "__main__":
    main()
