"""Reads of prices, plain and filtered by dates, from one web process beside a whole site.

    python -m benchmarks.gatewayload [--rate 160] [--seconds 60] [--prices 100000]

PostgreSQL, Redis, simulation of four books, gateway, worker, beat and the venue run in processes of
their own; this process asks at a fixed rate, whether or not earlier requests were answered. Then
it measures what the web process can do at most, and the memory of each process under load.
"""

import argparse
import asyncio
import itertools
import json
import random
import time
from datetime import UTC, datetime
from typing import Final

from benchmarks.gatewaysite import TICKERS, Site, site
from benchmarks.harness import report
from benchmarks.rest import percentile_ms
from benchmarks.restclient import answer, request
from rig.waiting import wait_until

CONNECTIONS: Final = 64
ROWS: Final = 500
NOT_OURS: Final = ("venue", "simulation")
"""They are the exchange."""
STORE: Final = """
import numpy as np
from instruments.models import Instrument
from journal.journal import Journal
from market.kinds import Delivery
from market.ticks import tick_array
from quotes.kinds import QUOTES
from venues.gateway.models import PriceTicker
from venues.gateway.prices import instrument_of
instrument = instrument_of("btc_usd")
PriceTicker.objects.filter(name="btc_usd").update(instrument=instrument)
seqs = np.arange(1, {prices} + 1)
with Journal([instrument]) as journal:
    for part in np.array_split(seqs, max(1, {prices} // 20_000)):
        at = {end} - ({prices} - part) * {step}
        ticks = 650_000_000 + part * 7919 % 1_000_000
        journal.append([Delivery(QUOTES, tick_array(instrument.pk, part, at, ticks))])
"""
STEP_US: Final = 50_000_000
PATH: Final = "/api/v1/venues/deribit/prices/btc_usd/"


class Asked:
    """Durations in seconds by kind of request, from the moment at which each was due."""

    def __init__(self) -> None:
        self.plain: list[float] = []
        self.filtered: list[float] = []
        self.errors: list[str] = []

    def note(self, took: float, status: int, body: bytes, *, is_plain: bool) -> None:
        if status != 200 or not json.loads(body)["rows"]:
            self.errors.append(f"{status}: {body[:200]!r}")
        else:
            (self.plain if is_plain else self.filtered).append(took)

    def figures(self, name: str, seconds: float) -> dict[str, object]:
        both = [*self.plain, *self.filtered]
        return {
            f"{name}: requests/s (target >= 150)": round(len(both) / seconds),
            f"{name}: p50, ms": percentile_ms(both, 0.5),
            f"{name}: p99 plain, ms (target < 60)": percentile_ms(self.plain, 0.99),
            f"{name}: p99 filtered, ms (target < 80)": percentile_ms(self.filtered, 0.99),
            f"{name}: errors (target 0)": len(self.errors),
        }


class Reader:
    """One connection that stays open."""

    async def open(self, port: int) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)

    async def ask(self, query: str) -> tuple[int, bytes]:
        self._writer.write(request(f"{PATH}?limit={ROWS}{query}"))
        return await answer(self._reader)


def dates(place: random.Random, prices: int, end_us: int) -> str:
    """Return the query of a span of 400 prices somewhere in the history."""
    first = end_us - place.randrange(500, prices) * STEP_US
    texts = (
        datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for at in (first, first + 400 * STEP_US)
    )
    return "&start_date={}&end_date={}".format(*texts)


async def at_rate(port: int, rate: float, seconds: float, prices: int, end_us: int) -> Asked:
    """Ask `rate` times a second; a request that is due waits for a free connection."""
    free: asyncio.Queue[Reader] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        reader = Reader()
        await reader.open(port)
        free.put_nowait(reader)
    asked, place, began = Asked(), random.Random(1), time.perf_counter() + 1
    tasks = []

    async def one(due: float, query: str) -> None:
        reader = await free.get()
        status, body = await reader.ask(query)
        asked.note(time.perf_counter() - due, status, body, is_plain=not query)
        free.put_nowait(reader)

    for number in range(round(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        query = "" if number % 2 else dates(place, prices, end_us)
        tasks.append(asyncio.create_task(one(due, query)))
    await asyncio.gather(*tasks)
    return asked


async def at_most(port: int, clients: int, seconds: float, prices: int, end_us: int) -> Asked:
    """Let clients ask again as soon as they are answered."""
    asked, ends = Asked(), time.perf_counter() + seconds

    async def client(seed: int) -> None:
        reader, place = Reader(), random.Random(seed)
        await reader.open(port)
        for number in itertools.count(seed):
            if (began := time.perf_counter()) > ends:
                return
            query = "" if number % 2 else dates(place, prices, end_us)
            status, body = await reader.ask(query)
            asked.note(time.perf_counter() - began, status, body, is_plain=not query)

    await asyncio.gather(*(client(seed) for seed in range(clients)))
    return asked


def measure(running: Site, options: argparse.Namespace, end_us: int) -> dict[str, object]:
    wait_until(lambda: len(running.ends()) == len(TICKERS), "first prices", 120)
    found: dict[str, object] = {
        "prices in the history": options.prices, "rows per answer": f"{ROWS} or 400",
    }  # fmt: skip
    load = at_rate(running.port, options.rate, options.seconds, options.prices, end_us)
    used = running.cpu_s("web")
    asked = asyncio.run(load)
    used = (running.cpu_s("web") - used) / (options.rate * options.seconds)
    found["CPU of the web process per request, ms"] = round(used * 1_000, 2)
    found |= asked.figures(f"{options.rate:g} requests/s", options.seconds)
    memory = running.memory_mb()
    burst = at_most(running.port, 8, options.seconds / 4, options.prices, end_us)
    found |= asyncio.run(burst).figures("8 clients without a pause", options.seconds / 4)
    found |= {f"memory of {name}, MB": size for name, size in memory.items()}
    ours = sum(size for name, size in memory.items() if name not in NOT_OURS)
    return found | {"memory of all but venue and simulation, MB (target < 1000)": round(ours)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=160.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--prices", type=int, default=100_000)
    options = parser.parse_args()
    end_us = time.time_ns() // 1_000 - 600_000_000
    history = STORE.format(prices=options.prices, end=end_us, step=STEP_US)
    with site(users=10, fetch_s=10, prepare=history) as running:
        report("gatewayload", measure(running, options, end_us))


if __name__ == "__main__":
    main()
