"""500 candles through the API compared with bare SQL and JSON, on small and large tables.

Also times admin pages, which must not count all stored rows.
"""

import os
import statistics
from collections.abc import Callable
from functools import partial

import orjson
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from benchmarks.harness import report, scratch_market
from benchmarks.timing import seconds
from instruments.models import Instrument
from journal.journal import Journal
from market.timeframes import TIMEFRAMES
from market.times import to_microseconds
from quotes.backfilling import Gap, fill
from quotes.lawruns import SEEDED_MARKETS_OPEN_AT, RunOptions

STORED = (100_000, int(os.environ.get("BENCH_QUOTES", "10000000")))
CALLS = 200
LIMIT = 500
BARE = (
    "SELECT opened_at, open, high, low, close, count, first_seq, last_seq FROM quotes_candle "
    "WHERE instrument_id = %s AND timeframe = %s ORDER BY opened_at DESC LIMIT %s"
)


ADMIN_CALLS = 20
ADMIN_PAGES = (
    "quote/", "quote/?instrument__id__exact={pk}", "quote/?q=77777", "candle/",
    "candle/?timeframe__exact=604800", "candle/?timeframe__exact=604800&instrument__id__exact={pk}",
    "regime/?q=77777", "run/",
)  # fmt: skip


def median_ms(work: Callable[[], object], calls: int = CALLS) -> float:
    """Return the median duration of `calls` calls in milliseconds."""
    return round(statistics.median(seconds(work) for _ in range(calls)) * 1000, 3)


def bare(instrument: Instrument, timeframe_s: int) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(BARE, [instrument.pk, timeframe_s, LIMIT])
        return orjson.dumps(cursor.fetchall())


def get(client: Client, path: str) -> bytes:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")
    return answer.content


def admin_figures(client: Client, instrument: Instrument, stored: int) -> dict[str, object]:
    client.force_login(
        get_user_model().objects.get_or_create(username="u", is_staff=True, is_superuser=True)[0]
    )
    pages = [f"/admin/quotes/{page.format(pk=instrument.pk)}" for page in ADMIN_PAGES]
    return {
        f"{stored:,} quotes, {page}: ms": median_ms(partial(get, client, page), ADMIN_CALLS)
        for page in pages
    }


def main() -> None:
    figures: dict[str, object] = {}
    client = Client(headers={"host": "localhost"})
    with scratch_market():
        market = Instrument.objects.create(symbol="ES", name="benchmark", tick_size="0.25")
        figures["database"] = connection.vendor
        stored = 0
        for target in STORED:
            opens_at = to_microseconds(SEEDED_MARKETS_OPEN_AT) + stored * 1_000_000
            with Journal([market]) as journal:
                fill(
                    journal,
                    market.pk,
                    Gap(opens_at, target - stored),
                    RunOptions(seed=7),
                    lambda n: None,
                )
            stored = target
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
            for name in ("1m", "1h"):
                path = f"/api/v1/instruments/ES/candles/?timeframe={name}&limit={LIMIT}"
                rows = orjson.loads(get(client, path))["rows"]
                bare_ms = median_ms(partial(bare, market, TIMEFRAMES[name]))
                api_ms = median_ms(partial(get, client, path))
                label = f"{stored:,} quotes, {len(rows)} candles of {name}"
                figures[f"{label}: bare, ms"] = bare_ms
                figures[f"{label}: API, ms"] = api_ms
                figures[f"{label}: ratio (target <= 2.5)"] = round(api_ms / bare_ms, 2)
            figures |= admin_figures(client, market, stored)
    report(f"candles-{figures['database']}", figures)


if __name__ == "__main__":
    main()
