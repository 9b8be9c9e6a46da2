"""Retention on PostgreSQL: table sizes, insert rates, DELETE compared with dropping a partition.

python scripts/services.py python -m benchmarks.retention
"""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from archive.instruments import find
from benchmarks.harness import report, scratch_market
from benchmarks.timing import best_ms, seconds
from journal.storage import insert
from quotes.http import history
from quotes.kinds import QUOTES
from rig.histories import make_instrument, make_ticks

SQL = Path(__file__).parent.parent / "deploy" / "partition-quotes.sql"
MILLIONS = 6
INSTRUMENTS = 4
MONTHS = 3
BATCH = 20_000


def execute(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def megabytes(function: str = "pg_total_relation_size") -> float:
    partitions = (
        "SELECT relid FROM pg_partition_tree('quotes_quote') UNION SELECT 'quotes_quote'::regclass"
    )
    (found,) = execute(f"SELECT sum({function}(relid)) FROM ({partitions}) AS partitions")
    return float(found[0]) / 1e6


def store(symbol: str) -> float:
    """Store the ticks of one instrument in the recorder's batches; return the seconds spent."""
    count = MILLIONS * 1_000_000 // INSTRUMENTS
    interval_s = MONTHS * 30 * 86_400 / count
    ticks = make_ticks(make_instrument(symbol), count, interval_s, datetime(2026, 1, 1, tzinfo=UTC))
    spent = 0.0
    for first in range(0, count, BATCH):
        with transaction.atomic():
            spent += seconds(partial(insert, QUOTES, ticks[first : first + BATCH]))
    return spent


def read_ms(symbol: str) -> tuple[float, float]:
    """Return the milliseconds to read 500 recent quotes by seq and by time."""
    instrument = find(symbol)
    assert instrument is not None
    last = MILLIONS * 1_000_000 // INSTRUMENTS
    end = int(datetime(2026, 3, 20, tzinfo=UTC).timestamp() * 1e6)
    times = best_ms(
        {
            "by seq": partial(history.quotes, instrument, last - 600, None, None, 500),
            "by time": partial(history.quotes, instrument, 0, end, None, 500),
        },
        rounds=50,
    )
    return times["by seq"], times["by time"]


def main() -> None:
    figures: dict[str, Any] = {"quotes": MILLIONS * 1_000_000}
    with scratch_market():
        symbols = [f"S{n}" for n in range(INSTRUMENTS)]
        rate = MILLIONS * 1e6 / sum(store(symbol) for symbol in symbols)
        execute("VACUUM ANALYZE quotes_quote")
        figures |= {
            "COPY, rows/s": round(rate),
            "MB per million": round(megabytes() / MILLIONS),
            "of which indexes": round(megabytes("pg_indexes_size") / MILLIONS),
            "500 by seq, by time, ms": read_ms("S0"),
        }
        figures["partitioning all, s"] = round(seconds(lambda: execute(SQL.read_text())), 1)
        execute("VACUUM ANALYZE quotes_quote")
        figures["the same on partitions, ms"] = read_ms("S0")
        rate = MILLIONS * 1e6 / INSTRUMENTS / store("NEW")
        figures["COPY into partitions, rows/s"] = round(rate)
        before = megabytes()
        first_month = int(datetime(2026, 2, 1, tzinfo=UTC).timestamp() * 1e6)
        (stored,) = execute(f"SELECT count(*) FROM quotes_quote WHERE at < {first_month}")
        figures["quotes of the oldest month"] = stored[0]
        with transaction.atomic():
            spent = seconds(lambda: execute("DELETE FROM quotes_quote_2026_01"))
            figures["DELETE of a month, s"] = round(spent, 2)
            transaction.set_rollback(True)
        execute("DELETE FROM quotes_quote WHERE instrument_id = 1")
        figures["VACUUM after deleting a fifth, s"] = round(
            seconds(lambda: execute("VACUUM quotes_quote")), 2
        )
        figures["MB freed by both"] = round(before - megabytes())
        before = megabytes()
        detach = "ALTER TABLE quotes_quote DETACH PARTITION quotes_quote_2026_01"
        figures["detaching a month, ms"] = round(1000 * seconds(lambda: execute(detach)), 1)
        spent = seconds(lambda: execute("DROP TABLE quotes_quote_2026_01"))
        figures["dropping it, ms"] = round(1000 * spent, 1)
        figures["MB freed by dropping"] = round(before - megabytes())
    report("retention", figures)


if __name__ == "__main__":
    main()
