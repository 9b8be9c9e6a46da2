"""Many sockets on many instruments: time from commit to client, gaps and duplicates, memory.

    python -m benchmarks.load --url ws://127.0.0.1:8000 --sockets 1000 --topics 50 --seconds 30
    python -m benchmarks.load

With --url: against a server that runs, from which the first instruments are taken. When a tick was
committed is then not known: times are counted from the tick's own time, the fastest tick of each
instrument being 0 (so use it at speed 1). Without: against servers of its own, whose commits are
noted: `runsim --serve`, and uvicorn with Redis before a `runsim`.
"""

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from benchmarks.audience import Audience
from benchmarks.commits import Commits
from benchmarks.harness import report
from rig.rawsockets import RawSockets
from rig.servers import (
    asgi_command,
    environment,
    free_port,
    make_market,
    running,
    wait_for,
)
from scripts.services import Redis

OPEN_S = 300.0
EDGES_MS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)
Born = Callable[[str, NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Load:
    """How much of it."""

    sockets: int
    topics: int
    seconds: float
    batch: bool


@dataclass(frozen=True)
class Server:
    """Where it is."""

    port: int
    host: str = "127.0.0.1"

    def get(self, path: str) -> bytes:
        answer: bytes = urlopen(f"http://{self.host}:{self.port}{path}", timeout=20).read()
        return answer


def metric(server: Server, name: str) -> float:
    """Return one number of /metrics; NaN if it is missing (memory: only on Linux)."""
    found = re.search(rf"^{name} (\S+)$", server.get("/metrics").decode(), re.MULTILINE)
    return float(found[1]) if found else float("nan")


def memory(server: Server) -> float:
    return metric(server, "process_resident_memory_bytes")


def histogram(late: NDArray[np.float64]) -> dict[str, str]:
    """Return the share of ticks up to each edge."""
    shares = [(edge, float((late * 1000 <= edge).mean())) for edge in EDGES_MS]
    return {f"within {edge} ms": f"{share:.2%}" for edge, share in shares if share < 1}


def run(server: Server, symbols: list[str], load: Load, born: Born | None) -> dict[str, object]:
    """Open the sockets, watch, close; return the figures. `born`: None when it is not known."""
    with RawSockets() as sockets:
        audience = Audience(sockets, server.host, server.port)
        audience.open(1, symbols, load.batch)
        audience.wait_until_subscribed(len(symbols), OPEN_S)
        audience.watch(2)
        empty = memory(server)
        audience.open(load.sockets - 1, symbols, load.batch)
        audience.wait_until_subscribed(len(symbols), OPEN_S)
        audience.watch(2)  # what queued meanwhile
        busy = audience.watch(load.seconds)
        per_socket = (memory(server) - empty) / max(1, load.sockets - 1) / 1000
        arrivals, closed = audience.arrivals, audience.closed
        late = arrivals.latencies(born or since_its_time)
    late = late[~np.isnan(late)]
    if born is None:
        late = late - late.min()
    p50, p99, most = np.percentile(late, [50, 99, 100]) * 1000
    start = "commit" if born else "tick's time (fastest: 0)"
    return {
        "ticks/s delivered": round(arrivals.ticks / load.seconds),
        "messages/s": round(len(arrivals.times) / load.seconds),
        f"{start} to client, p50 ms": round(p50, 1),
        f"{start} to client, p99 ms": round(p99, 1),
        f"{start} to client, most ms": round(most, 1),
        **histogram(late),
        "ticks missing": arrivals.missing,
        "ticks twice": arrivals.duplicates,
        "gap frames": arrivals.gaps,
        "sockets closed": closed,
        "memory per socket, kB": round(per_socket, 1),
        "clients busy": f"{busy:.0%}",
    }


def since_its_commit(notes: Path) -> Born:
    commits = cache(lambda: Commits(notes))  # read once, at the end
    return lambda symbol, seqs, _: commits().at(symbol, seqs)


def since_its_time(
    symbol: str, seqs: NDArray[np.int64], ats: NDArray[np.int64]
) -> NDArray[np.float64]:
    return ats / 1000


@contextlib.contextmanager
def served(way: str, folder: str, symbols: list[str]) -> Iterator[tuple[int, Path]]:
    """Run a market and its server; yield the port and the notes of the commits."""
    port, notes = free_port(), Path(folder) / f"{way.partition(' ')[0]}.commits"
    env = environment(make_market(folder, symbols, f"{way.partition(' ')[0]}.sqlite3"))
    env |= {"COMMITS": str(notes)}
    market = [sys.executable, "-m", "benchmarks.commits", "runsim", "--instruments", *symbols]
    with contextlib.ExitStack() as stack:
        server: subprocess.Popen[str]
        if way == "runsim --serve":
            command = [*market, "--serve", f"127.0.0.1:{port}"]
            server = stack.enter_context(running(command, env))
        else:
            env |= {"REDIS_URL": stack.enter_context(Redis()).url}
            command = asgi_command(way.partition(" ")[0], port, "pytrade.asgi:application")
            server = stack.enter_context(running(command, env))
            stack.enter_context(running(market, env))
        wait_for(port, server)
        yield port, notes


WAYS = ("uvicorn + Redis", "daphne + Redis", "runsim --serve")


def measure(load: Load, ways: list[str]) -> dict[str, object]:
    symbols = [f"X{n:02}" for n in range(load.topics)]
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        for way in ways:
            with served(way, folder, symbols) as (port, notes):
                found = run(Server(port), symbols, load, since_its_commit(notes))
            figures |= {f"{way}: {label}": value for label, value in found.items()}
    return figures


def symbols_of(server: Server, topics: int) -> list[str]:
    answer: Any = json.loads(server.get("/api/v1/instruments/"))
    rows = answer["results"] if isinstance(answer, dict) else answer
    return [row["symbol"] for row in rows if row["last_seq"]][:topics]


def main() -> None:
    parser = argparse.ArgumentParser(description="Many sockets on many instruments.")
    parser.add_argument("--url", help="of a server that runs, e.g. ws://127.0.0.1:8000")
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--topics", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--single", action="store_true", help="a message per frame: no batches")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    load = Load(options.sockets, options.topics, options.seconds, not options.single)
    if options.url:
        parts = urlsplit(options.url)
        if parts.scheme not in ("ws", "http") or not parts.hostname:
            parser.error(f"--url {options.url!r}: use ws://HOST:PORT")
        server = Server(parts.port or 80, parts.hostname)
        print(json.dumps(run(server, symbols_of(server, load.topics), load, None), indent=2))
    elif options.ways == list(WAYS):
        report("load", measure(load, options.ways))
    else:
        print(json.dumps(measure(load, options.ways), indent=2))


if __name__ == "__main__":
    main()
