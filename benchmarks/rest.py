"""The REST history under load: 16 clients on one web process, candles of 500, plain and filtered.

First alone, then beside 8 clients that export all candles. On daphne and on uvicorn, which read a
long history, and on `runsim --serve`, where the market of all instruments runs in the same process.
Clients and servers have processes of their own. DATABASE_URL names the kind of database:

    python scripts/services.py python -m benchmarks.rest
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any
from urllib.request import urlopen

import psutil
from django.core.management import call_command
from django.db import connection

from benchmarks.harness import report, scratch_market
from benchmarks.restclient import Asked, Load, ask, export
from rig.longhistory import START, WEB, serving, store_minutes

CLIENTS = 16
EXPORTS = 8
MINUTES = 200_000
FILLED_S = 240.0
LIVE = "runsim --serve"
START_MS = int(START.timestamp() * 1000)
SERVERS = {
    "daphne": ["-m", "daphne", "-v", "0", "-p", "PORT", "pytrade.asgi:application"],
    "uvicorn": WEB,
    LIVE: ["manage.py", "runsim", "--serve", "127.0.0.1:PORT", "--backfill", "12h"],
}  # fmt: skip


def percentile_ms(took: list[float], share: float) -> float:
    return round(sorted(took)[int(share * (len(took) - 1))] * 1000, 1)


def mean_ms(took: list[float]) -> float:
    return sum(took) / len(took) * 1000


def in_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """Start `work` in a process of its own; return its future."""
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    future = pool.submit(work, *arguments)
    pool.shutdown(wait=False)
    return future


def memory_mb(port: int) -> float:
    """Return the memory of the server that no file backs."""
    (server,) = (
        found.pid
        for found in psutil.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port
    )
    usage = psutil.Process(server).memory_info()
    return (usage.rss - getattr(usage, "shared", 0)) / 1e6  # of the map of SQLite's file, too


def exporting(load: Load) -> dict[str, object]:
    """Measure EXPORTS endless exports beside the load: its latency, the memory of the server."""
    before = peak = memory_mb(load.port)
    exports = in_process(export_for, load._replace(clients=EXPORTS))
    plain = in_process(ask, load)
    while not exports.done():
        peak = max(peak, memory_mb(load.port))
        time.sleep(0.1)
    asked, rates = plain.result(), exports.result()
    both = asked.plain + asked.filtered
    return {
        f"with {EXPORTS} exports: p99, ms": percentile_ms(both, 0.99),
        f"with {EXPORTS} exports: requests/s": round(len(both) / load.seconds),
        f"with {EXPORTS} exports: rows/s of all": round(sum(rates) / len(rates) * EXPORTS),
        f"with {EXPORTS} exports: memory per export, MB (target < 32)": round(
            (peak - before) / EXPORTS, 1
        ),
        "after exports: memory kept, MB": round(memory_mb(load.port) - before, 1),
    }


def export_for(load: Load) -> list[float]:
    ends = time.monotonic() + load.seconds
    return export(load, lambda: time.monotonic() < ends)


def figures(name: str, asked: Asked, seconds: float) -> dict[str, object]:
    both = asked.plain + asked.filtered
    return {
        f"{name}: requests/s (target >= 150)": round(len(both) / seconds),
        f"{name}: p50, ms": percentile_ms(both, 0.5),
        f"{name}: p99, ms (target < 60)": percentile_ms(both, 0.99),
        f"{name}: p99 plain, ms": percentile_ms(asked.plain, 0.99),
        f"{name}: p99 filtered, ms": percentile_ms(asked.filtered, 0.99),
        f"{name}: filtered / plain (target < 1.2)": round(
            mean_ms(asked.filtered) / mean_ms(asked.plain), 2
        ),
        f"{name}: errors (target 0)": len(asked.errors),
    }


def wait_for_market(address: str, symbol: str) -> tuple[int, int]:
    """Wait until the backfill of all instruments is complete; return the span of one (epoch ms)."""
    deadline = time.monotonic() + FILLED_S
    while time.monotonic() < deadline:
        with urlopen(f"{address}/api/v1/instruments/", timeout=10) as answer:
            listed = {row["symbol"]: row for row in json.load(answer)}
        late = (time.time() - 5) * 1000
        if all((row["last_at"] or 0) > late for row in listed.values()):
            return listed[symbol]["first_at"], listed[symbol]["last_at"]
        time.sleep(0.5)
    raise TimeoutError(f"the backfill did not complete within {FILLED_S:.0f} s")


def environment() -> dict[str, str]:
    """Return the environment of a web process that uses the benchmark database."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        url = f"sqlite:///{name}"
    else:
        base, mark, options = os.environ["DATABASE_URL"].partition("?")
        url = base.rpartition("/")[0] + "/" + name + mark + options
    return os.environ | {"DATABASE_URL": url, "REDIS_URL": "", "DEBUG": "off"}


def measure(server: str, clients: int, seconds: float) -> dict[str, object]:
    is_live = server == LIVE
    with serving(environment(), SERVERS[server]) as address:
        if is_live:
            symbol = "ES"
            span = wait_for_market(address, symbol)
        else:
            symbol = "LONG"
            span = START_MS, START_MS + MINUTES * 60_000
        load = Load(int(address.rpartition(":")[2]), symbol, span, clients, seconds)
        asked = in_process(ask, load).result()
        beside = exporting(load)
    for error in asked.errors[:3]:
        print(error, file=sys.stderr)
    named = {f"{server}: {label}": value for label, value in beside.items()}
    return figures(server, asked, seconds) | named


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="duration per server (default 60)"
    )
    parser.add_argument("--servers", nargs="+", default=list(SERVERS), choices=SERVERS)
    parser.add_argument("--clients", type=int, default=CLIENTS, help=f"default {CLIENTS}")
    options = parser.parse_args()
    found: dict[str, object] = {"clients": options.clients, "seconds": options.seconds}
    with tempfile.TemporaryDirectory() as folder:
        if connection.vendor == "sqlite":  # a file, because other processes read it
            connection.settings_dict["TEST"]["NAME"] = f"{folder}/rest.sqlite3"
        with scratch_market():
            call_command("seedinstruments", verbosity=0)
            if LIVE in options.servers:
                found |= measure(LIVE, options.clients, options.seconds)
            store_minutes("LONG", MINUTES)
            for server in options.servers:
                if server != LIVE:
                    found |= measure(server, options.clients, options.seconds)
    report(f"rest-{connection.vendor}", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
