"""REST history under load: 4 clients of one web process request 500 candles, plain and filtered.

Measures daphne and uvicorn on a long history, and `runsim --serve`, where the live market of all
instruments runs in the same process. DATABASE_URL selects the database engine:

    python scripts/services.py python -m benchmarks.rest
"""

import argparse
import functools
import json
import multiprocessing
import operator
import os
import sys
import tempfile
import time
from urllib.request import urlopen

from django.core.management import call_command
from django.db import connection

from benchmarks.harness import report, scratch_market
from benchmarks.restclient import Asked, ask
from rig.longhistory import DAPHNE, START, serving, store_minutes

CLIENTS = 4
MINUTES = 200_000
FILLED_S = 240.0
LIVE = "runsim --serve"
START_MS = int(START.timestamp() * 1000)
SERVERS = {
    "daphne": DAPHNE,
    "uvicorn": ["-m", "uvicorn", "--port", "PORT", "--log-level", "error", "--lifespan", "off",
                "pytrade.asgi:application"],
    LIVE: ["manage.py", "runsim", "--serve", "127.0.0.1:PORT", "--backfill", "12h"],
}  # fmt: skip


def percentile_ms(took: list[float], share: float) -> float:
    return round(sorted(took)[int(share * (len(took) - 1))] * 1000, 1)


def mean_ms(took: list[float]) -> float:
    return sum(took) / len(took) * 1000


def load(port: int, symbol: str, span: tuple[int, int], seconds: float) -> Asked:
    """Run the clients, each in its own process; return their combined results."""
    path = f"/api/v1/instruments/{symbol}/candles/"
    tasks = [(port, path, span, seconds, seed) for seed in range(CLIENTS)]
    with multiprocessing.get_context("fork").Pool(CLIENTS) as pool:
        seen = pool.starmap(ask, tasks, chunksize=1)
    return Asked(*(functools.reduce(operator.iadd, lists, []) for lists in zip(*seen, strict=True)))


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


def measure(server: str, seconds: float) -> dict[str, object]:
    is_live = server == LIVE
    with serving(environment(), SERVERS[server]) as address:
        if is_live:
            symbol = "ES"
            span = wait_for_market(address, symbol)
        else:
            symbol = "LONG"
            span = START_MS, START_MS + MINUTES * 60_000
        asked = load(int(address.rpartition(":")[2]), symbol, span, seconds)
    for error in asked.errors[:3]:
        print(error, file=sys.stderr)
    return figures(server, asked, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="duration per server (default 60)"
    )
    parser.add_argument("--servers", nargs="+", default=list(SERVERS), choices=SERVERS)
    options = parser.parse_args()
    found: dict[str, object] = {"clients": CLIENTS, "seconds": options.seconds}
    with tempfile.TemporaryDirectory() as folder:
        if connection.vendor == "sqlite":  # a file, because other processes read it
            connection.settings_dict["TEST"]["NAME"] = f"{folder}/rest.sqlite3"
        with scratch_market():
            call_command("seedinstruments", verbosity=0)
            if LIVE in options.servers:
                found |= measure(LIVE, options.seconds)
            store_minutes("LONG", MINUTES)
            for server in options.servers:
                if server != LIVE:
                    found |= measure(server, options.seconds)
    report(f"rest-{connection.vendor}", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
