"""The live path as users run it: `runsim --serve`, and `make up` with two web processes.

    python -m benchmarks.live [--ways serve up] [--scenarios many quiet churn overload]

Clients are in this process, the product in others. They connect all at once, follow 12
instruments, and store what they receive; every row is verified afterwards.

many      200 clients, 20 ticks/s of each instrument, in batches
quiet     1,000 clients, a tick a second of each, in batches
churn     20 times 200 clients that connect, subscribe and leave
overload  beside 20 clients 480 without batches, 50 of which read nothing, at 100 ticks/s of each
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from benchmarks.harness import report
from rig.deliveries import Verdict, parsed, verify
from rig.processes import ROOT, free_port, manage
from rig.servers import wait_for
from rig.spectators import Spectator, Spectators

INSTRUMENTS = 12
MANY = 200
STAY, HEAVY, STALLED = 20, 480, 50
ROUNDS = 20
WATCH_S = 10.0
DRAIN_S = 2.0
OVERLOAD_S = 25.0
RECOVERY_S = 10.0
STARTS = 5
"""Times half a minute that a product may take to start."""
Figures = dict[str, object]


@dataclass(frozen=True)
class Market:
    """A running product: the ports of its web processes, and all of its processes."""

    ports: tuple[int, ...]
    root: psutil.Process

    @property
    def processes(self) -> list[psutil.Process]:
        return [self.root, *self.root.children(recursive=True)]

    def topics(self) -> list[str]:
        """Return the topics of the quotes that tick."""
        url = f"http://127.0.0.1:{self.ports[0]}/api/v1/instruments/"
        rows = json.load(urlopen(url, timeout=20))
        rows = rows["results"] if isinstance(rows, dict) else rows
        return [f"quotes.{row['symbol']}" for row in rows if row["last_seq"]][:INSTRUMENTS]

    def hello(self, batch: bool) -> bytes:
        return json.dumps({"op": "subscribe", "args": self.topics(), "batch": batch}).encode()

    def cpu_s(self) -> float:
        """Return the CPU time of all processes so far."""
        used = 0.0
        for process in self.processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used += times.user + times.system
        return used

    def memory(self) -> int:
        """Return the memory of the largest process."""
        return max(process.memory_info().rss for process in self.processes)

    def closes(self) -> int:
        """Return how many connections the web processes have closed, of which they logged each."""
        total = 0.0
        for port in self.ports:
            text = urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read().decode()
            counts = [line for line in text.splitlines() if line.startswith("pytrade_closes_total")]
            total += sum(float(line.split()[-1]) for line in counts)
        return int(total)


@contextlib.contextmanager
def serve(interval_s: float) -> Iterator[Market]:
    """Run `runsim --serve` on a SQLite database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        url = f"sqlite:///{Path(folder) / 'market.sqlite3'}"
        env = os.environ | {"DEBUG": "on", "DATABASE_URL": url, "REDIS_URL": ""}
        manage("migrate", "-v0", env=env)
        manage("seedinstruments", env=env)
        command = [sys.executable, "manage.py", "runsim", "--serve", f"127.0.0.1:{port}"]
        with started([*command, "--interval", str(interval_s)], env, (port,)) as market:
            yield market


@contextlib.contextmanager
def up(interval_s: float) -> Iterator[Market]:
    """Run `make up` with two web processes; PostgreSQL, Redis and the rest are its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        port = free_ports()
        env = os.environ | {
            "DEBUG": "on",
            "RUNSIM_OPTIONS": f"--interval {interval_s} --backfill 10s",
        }
        for name in ("DATABASE_URL", "REDIS_URL"):
            env.pop(name, None)
        address = f"127.0.0.1:{port}"
        command = [sys.executable, "-m", "scripts.up", "--address", address, "--web", "2"]
        with started([*command, "--data", folder], env, (port, port + 1)) as market:
            yield market


def free_ports() -> int:
    """Return a free port whose next one is free too."""
    while True:
        port = free_port()
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port + 1))
            return port


@contextlib.contextmanager
def started(command: list[str], env: dict[str, str], ports: tuple[int, ...]) -> Iterator[Market]:
    """Run the product until every web process answers and all instruments tick."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, text=True)
        try:
            for port in ports:
                wait_until_ready(port, process)
            market = Market(ports, psutil.Process(process.pid))
            while len(market.topics()) < INSTRUMENTS:
                time.sleep(0.2)
            time.sleep(3)  # what starts beside it
            yield market
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def wait_until_ready(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until `port` answers, for as long as services and migrations take."""
    for _ in range(STARTS):
        with contextlib.suppress(URLError):
            wait_for(port, process)
            return
    raise TimeoutError(f"nothing answers on port {port}")


class Crowd:
    """Clients of every web process of a market."""

    def __init__(self, market: Market) -> None:
        self.spectators = Spectators()
        self._market = market

    def join(self, count: int, hello: bytes, timeout_s: float) -> float:
        """Connect `count` clients at once; return how long it took until all had every topic."""
        begun = time.monotonic()
        waiting: set[Spectator] = set()
        for port in self._market.ports:
            waiting |= set(self.spectators.connect(port, count // len(self._market.ports), hello))
        while waiting and time.monotonic() < begun + timeout_s:
            self.spectators.run(0.05)
            waiting -= {each for each in waiting if topics_of(each) == INSTRUMENTS}
        return time.monotonic() - begun if not waiting else float("inf")


def topics_of(spectator: Spectator) -> int:
    """Return of how many topics a client has had rows."""
    payloads = (payload for _, payload in spectator.received)
    return len({block.topic for payload in payloads for block in parsed(payload).blocks})


def judged(verdict: Verdict, seconds: float) -> Figures:
    return {
        "rows/s delivered": round(verdict.rows / seconds),
        "messages/s": round(verdict.messages / seconds),
        "rows missing": verdict.missing,
        "rows twice": verdict.duplicates,
        "gaps and resets": verdict.gaps + verdict.resets,
        "behind the quickest, p50 ms": round(verdict.late_ms(50), 1),
        "behind the quickest, p99 ms": round(verdict.late_ms(99), 1),
        "behind the quickest, most ms": round(verdict.late_ms(100), 1),
    }


def watched(market: Market, crowd: Crowd, seconds: float) -> Figures:
    """Watch for `seconds`; return the figures."""
    cpu, ours, begun = market.cpu_s(), time.process_time(), time.monotonic()
    crowd.spectators.run(seconds)
    until = time.monotonic()
    used = (market.cpu_s() - cpu) / (until - begun)
    mine = (time.process_time() - ours) / (until - begun)
    crowd.spectators.run(DRAIN_S)
    return {
        **judged(verify(crowd.spectators.all, begun, until), until - begun),
        "clients lost": crowd.spectators.lost,
        "product, cores": round(used, 2),
        "clients, cores": round(mine, 2),
        "largest process, MB": round(market.memory() / 1e6),
    }


def steady(market: Market, clients: int, timeout_s: float) -> Figures:
    """`clients` connect at once and stay."""
    crowd = Crowd(market)
    with crowd.spectators:
        joined = crowd.join(clients, market.hello(batch=True), timeout_s)
        return {"connect and subscribe, s": round(joined, 1), **watched(market, crowd, WATCH_S)}


def churn(market: Market) -> Figures:
    """Rounds of clients that connect, subscribe and leave; what the product uses after each."""
    before = idle(market)
    joins, after = [], []
    for _ in range(ROUNDS):
        crowd = Crowd(market)
        with crowd.spectators:
            joins.append(crowd.join(MANY, market.hello(batch=True), 20))
        time.sleep(0.5)
        after.append(idle(market))
    return {
        "slowest connect and subscribe, s": round(max(joins), 1),
        "without clients before, cores": round(before, 2),
        "without clients after a round, cores, most": round(max(after), 2),
        "without clients after the last, cores": round(after[-1], 2),
        "largest process, MB": round(market.memory() / 1e6),
    }


def idle(market: Market) -> float:
    """Return how many cores the product uses for a second."""
    cpu, begun = market.cpu_s(), time.monotonic()
    time.sleep(1)
    return (market.cpu_s() - cpu) / (time.monotonic() - begun)


def overload(market: Market) -> Figures:
    """More frames than the product can send, and clients that stall, beside those that stay."""
    stay, heavy = Crowd(market), Crowd(market)
    with stay.spectators, heavy.spectators:
        stay.join(STAY, market.hello(batch=True), 20)
        memory, closed = market.memory(), market.closes()
        heavy.join(HEAVY, market.hello(batch=False), 20)
        heavy.spectators.stall(heavy.spectators.all[:STALLED])
        cpu, begun, most = market.cpu_s(), time.monotonic(), 0
        while time.monotonic() < begun + OVERLOAD_S:
            heavy.spectators.run(0.05)
            stay.spectators.run(0.01)
            most = max(most, market.memory())
        seconds = time.monotonic() - begun
        used = (market.cpu_s() - cpu) / seconds
        frames = sum(len(each.received) for each in heavy.spectators.all) / seconds
        reading = verify(heavy.spectators.all[STALLED:], begun, begun + OVERLOAD_S - 5)
        lost = sum(each.is_lost for each in heavy.spectators.all[STALLED:])
        heavy.spectators.leave(heavy.spectators.all)
        stay.spectators.run(RECOVERY_S)
        return {
            "product under overload, cores": round(used, 2),
            "frames/s under overload": round(frames),
            "memory grew by, MB": round((most - memory) / 1e6),
            "rows missing or twice of clients that read": reading.missing + reading.duplicates,
            "clients that read closed": lost,
            "clients that read nothing": STALLED,
            "closes logged and counted": market.closes() - closed,
            **{f"10 s after: {k}": v for k, v in watched(market, stay, WATCH_S).items()},
        }


SCENARIOS: dict[str, tuple[float, Callable[[Market], Figures]]] = {
    "many": (0.05, lambda market: steady(market, MANY, 20)),
    "quiet": (1.0, lambda market: steady(market, 1000, 60)),
    "churn": (1.0, churn),
    "overload": (0.01, overload),
}
WAYS = {"serve": serve, "up": up}


def main() -> None:
    parser = argparse.ArgumentParser(description="The live path as users run it.")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    options = parser.parse_args()
    figures: Figures = {}
    for way in options.ways:
        for name in options.scenarios:
            interval_s, scenario = SCENARIOS[name]
            with WAYS[way](interval_s) as market:
                found = scenario(market)
            figures |= {f"{way}, {name}: {label}": value for label, value in found.items()}
            print(json.dumps({f"{way}, {name}": found}, indent=2), flush=True)
    if options.ways == list(WAYS) and options.scenarios == list(SCENARIOS):
        report("live", figures)


if __name__ == "__main__":
    main()
