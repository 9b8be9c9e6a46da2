"""Clusters: cost of an update, of clustering a million trades, and of serving 500 of them.

    python -m benchmarks.clusters

For PostgreSQL under scripts/services.py; BENCH_TRADES=10000000. The slots of the served history
have two seconds, so that 10^5 trades are 500 candles of a minute. An answer is compared with a view
behind the same middleware that SELECTs the same stored clusters and writes, as JSON, rows that were
made before.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
import orjson
from django.core.cache import caches
from django.db import connection
from django.test import Client, override_settings

from benchmarks import bareview
from benchmarks.candles import get
from benchmarks.harness import report, scratch_market
from exchange.flow.market import BookMarket
from exchange.kinds import TRADES
from instruments.models import Instrument
from journal.journal import Journal
from market.kinds import Delivery, Rows
from market.timeframes import MICROSECONDS, TIMEFRAMES
from orderflow.clusters import in_steps, of_trades
from orderflow.derived import RecordedClusters
from orderflow.packing import decode
from orderflow.stepping import step_after
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.walker import MarketLaw, Start
from rig.books import START
from rig.histories import make_instrument

STORED: Final = (100_000, 1_000_000, int(os.environ.get("BENCH_TRADES", "10000000")))
MILLION: Final = 1_000_000
SLICE: Final = 1_000
"""Slots per transaction of a back-fill."""
SLOT_S: Final = 2
"""Of the served history."""
LIVE: Final = 3
"""Trades per transaction of a live market."""
LIMIT: Final = 500
CALLS: Final = 100
FEWEST: Final = {"1m": 0, "1h": 6_000_000}
"""Trades stored from which there are 500 clusters of a timeframe."""


def simulated(instrument_id: int, slot_s: int = 1) -> Iterator[Rows]:
    """Yield the trades of slots and the default flow, for ever."""
    walk, regimes = WalkState(20_000, 1), RegimeLaw(400.0, 100.0)
    law = MarketLaw(instrument_id, "ES", 1, slot_s * MICROSECONDS, 1, START, walk, regimes)
    market = BookMarket.open(Start(law, 1, walk))
    seq = 0
    while True:
        made = market.run_slots(SLICE).trades
        trades = np.zeros(len(made), TRADES.dtype)
        for name in made.dtype.names or ():
            if name in (TRADES.dtype.names or ()):
                trades[name] = made[name]
        trades["instrument"] = instrument_id
        trades["seq"] = np.arange(seq + 1, seq + 1 + len(trades))
        seq += len(trades)
        yield trades


def taken(parts: Iterator[Rows], n: int) -> Rows:
    found: list[Rows] = []
    while sum(map(len, found)) < n:
        found.append(next(parts))
    return np.concatenate(found)[:n]


def update_us(trades: Rows, batch: int) -> float:
    """Return the CPU time in microseconds per trade of the derivation, in such batches."""
    derived = RecordedClusters.empty(1)
    started = time.process_time()
    for first in range(0, len(trades), batch):
        derived = derived.copy()
        for _ in derived.extend(trades[first : first + batch]):
            pass
    return round(1e6 * (time.process_time() - started) / len(trades), 3)


def clustering_s(trades: Rows) -> float:
    """Return the least CPU time to cluster trades by minutes."""
    spent = []
    for _ in range(5):
        started = time.process_time()
        of_trades(trades, 60)
        spent.append(time.process_time() - started)
    return round(min(spent), 4)


def bare(instrument: Instrument, timeframe_s: int, steps: list[int]) -> bytes:
    """Select the stored clusters and write their rows as JSON.

    Without value areas, the choice of steps (given here), marks and the open cluster.
    """
    stored = bareview.selected(instrument.pk, timeframe_s, len(steps) - 1)
    opened, first, last = (np.array(column) for column in list(zip(*stored, strict=True))[:3])
    clusters = decode([bytes(row[3]) for row in stored], opened, first, last)
    shown = in_steps(clusters, np.array(steps[:-1]))
    prices, lots = instrument.lattice.prices, instrument.lattice.quantities
    rows = shown.rows.astype(np.float64)
    rows[:, 0], rows[:, 1:3] = prices.numbers(shown.rows[:, 0]), lots.numbers(shown.rows[:, 1:3])
    cells = rows.tolist()
    parts = [cells[i:j] for i, j in pairwise(shown.starts.tolist())]
    heads = shown.heads.tolist()
    return orjson.dumps([[*head, part] for head, part in zip(heads, parts, strict=True)])


def medians_ms(works: dict[str, Callable[[], object]], calls: int) -> dict[str, float]:
    """Return the median CPU time of calls, made in turn: wall time is the neighbours' as well."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(calls):
        for name, work in works.items():
            started = time.process_time()
            work()
            spent[name].append(time.process_time() - started)
    return {name: 1000 * statistics.median(each) for name, each in spent.items()}


def served(client: Client, instrument: Instrument, timeframe: str, step: str) -> dict[str, object]:
    """Return medians of an answer with and without cached rows, and of the bare ones."""
    path = f"/api/v1/instruments/ES/footprint/?timeframe={timeframe}&step={step}&limit={LIMIT}"
    rows = orjson.loads(get(client, path))["rows"]
    seconds, closed = TIMEFRAMES[timeframe], len(rows) - 1
    bareview.finished[:] = rows

    def cold() -> bytes:
        caches["clusters"].clear()
        step_after.cache_clear()
        return get(client, path)

    works: dict[str, Callable[[], object]] = {
        "query and JSON as a view": partial(
            get, client, f"/bare/{instrument.pk}/{seconds}/{closed}/"
        ),
        "query and JSON alone": partial(bareview.answer, instrument.pk, seconds, closed),
        "with decoding, alone": partial(bare, instrument, seconds, [row[12] for row in rows]),
        "not cached": cold,
        "cached": partial(get, client, path),
    }
    found = medians_ms(works, CALLS)
    return {
        "clusters, price rows": [len(rows), sum(len(row[13]) for row in rows)],
        **{f"{name}, ms": round(ms, 2) for name, ms in found.items()},
        **{
            f"{name} / query and JSON as a view (target <= 2.5)": round(
                found[name] / found["query and JSON as a view"], 2
            )
            for name in ("cached", "not cached")
        },
    }


def stored_bytes() -> int:
    if connection.vendor == "postgresql":
        statement = "SELECT pg_total_relation_size('orderflow_cluster')"
    else:
        statement = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%orderflow_cluster%'"
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def main() -> None:
    figures: dict[str, Any] = {}
    million = taken(simulated(1), MILLION)
    figures["a million trades by minutes, s"] = clustering_s(million)
    figures["update, us per trade, live"] = update_us(million[:200_000], LIVE)
    figures["update, us per trade, back-fill"] = update_us(million, 6 * SLICE)
    with scratch_market(), override_settings(ROOT_URLCONF=bareview.__name__):
        client = Client(SERVER_NAME="localhost")
        instrument = make_instrument("ES")
        parts, stored = simulated(instrument.pk, SLOT_S), 0
        with Journal([instrument]) as journal:
            for wanted in STORED:
                while stored < wanted:
                    trades = next(parts)
                    journal.append([Delivery(TRADES, trades)])
                    stored += len(trades)
                for timeframe in ("1m", "1h"):
                    for step in ("1", "auto"):
                        name = f"{wanted:,} trades, {timeframe}, step {step}"
                        if wanted >= FEWEST[timeframe]:
                            figures[name] = served(client, instrument, timeframe, step)
        figures["bytes per trade"] = round(stored_bytes() / stored, 2)
    report(f"clusters-{connection.vendor}", figures)


if __name__ == "__main__":
    main()
