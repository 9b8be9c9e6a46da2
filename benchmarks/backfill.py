"""Back-fill against its parts: the law alone, and a bare insert of the same rows."""

import time
from collections.abc import Callable

from django.db import connection

from benchmarks.harness import report, scratch_market
from instruments.models import Instrument
from journal.journal import Journal
from journal.storage import insert_quotes
from market.times import to_microseconds
from quotes.backfilling import CHUNK_TICKS, Gap, fill
from quotes.law.randomwalk import RegimeLaw, WalkState, generator, walk
from quotes.law.walker import MarketLaw, Walker
from quotes.lawruns import SEEDED_MARKETS_OPEN_AT, RunOptions

TICKS = 1_000_000


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    with scratch_market():
        market = Instrument.objects.create(symbol="ES", name="benchmark", tick_size="0.25")
        law_s = seconds(lambda: walk(10_000_000, 0.3, generator(7, "ES", "benchmark")))
        other = Instrument.objects.create(symbol="NQ", name="benchmark", tick_size="0.25")
        opens_at = to_microseconds(SEEDED_MARKETS_OPEN_AT)
        law = MarketLaw(
            other.pk, "NQ", 7, 1_000_000, 1, opens_at, WalkState(20_000, 1), RegimeLaw()
        )
        walker = Walker(law, 1, law.start)
        blocks = [walker.take(CHUNK_TICKS)[0].rows for _ in range(TICKS // CHUNK_TICKS)]
        # The bare rows go first, into the empty table: the order favours the peer.
        bare_s = seconds(lambda: [insert_quotes(block) for block in blocks])
        with Journal([market]) as journal:
            gap = Gap(opens_at, TICKS)
            whole_s = seconds(
                lambda: fill(journal, market.pk, gap, RunOptions(seed=7), lambda n: None)
            )
    report(
        "backfill",
        {
            "database": connection.vendor,
            "law alone, ticks/s": round(10_000_000 / law_s),
            "back-fill end to end, ticks/s": round(TICKS / whole_s),
            "bare insert of the same rows, ticks/s": round(TICKS / bare_s),
            "ratio (target >= 0.6)": round(bare_s / whole_s, 2),
        },
    )


if __name__ == "__main__":
    main()
