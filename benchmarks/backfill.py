"""Backfill compared with its components: the price law alone, and a bare insert of the rows."""

from functools import partial

from django.db import connection

from benchmarks.harness import report, scratch_market
from benchmarks.timing import seconds
from instruments.models import Instrument
from journal.journal import Journal
from journal.storage import insert
from market.kinds import Rows
from market.times import to_microseconds
from quotes.backfilling import CHUNK_TICKS, Gap, fill
from quotes.kinds import QUOTES
from quotes.law.randomwalk import RegimeLaw, WalkState, generator, walk
from quotes.law.walker import MarketLaw, Walker
from quotes.lawruns import SEEDED_MARKETS_OPEN_AT, RunOptions

TICKS = 1_000_000


def insert_all(blocks: list[Rows]) -> None:
    for block in blocks:
        insert(QUOTES, block)


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
        # The bare insert runs first, into an empty table, so the order favours the peer.
        bare_s = seconds(partial(insert_all, blocks))
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
            "backfill end to end, ticks/s": round(TICKS / whole_s),
            "bare insert of the same rows, ticks/s": round(TICKS / bare_s),
            "ratio (target >= 0.6)": round(bare_s / whole_s, 2),
        },
    )


if __name__ == "__main__":
    main()
