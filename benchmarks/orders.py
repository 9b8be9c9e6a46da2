"""Orders over HTTP as programs send them: time to the committed execution, and the sustained rate.

    python -m benchmarks.orders [--scenarios paced sustained] [--seconds 60]

The product runs in other processes, with the live market of all instruments and six books. Accounts
are opened with `openaccount`. Each sends limit orders near the market, market orders and
cancellations over one connection. A time is that from sending a request to the end of its answer,
which comes after the commit of everything that the order caused.

paced      20 orders/s from 5 accounts, each at random moments: `runsim --serve` on SQLite
sustained  24 accounts that send the next order at once: `make up` with two web processes,
           PostgreSQL and Redis. No key may send more than EXCHANGE_ORDERS_PER_S
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.harness import report
from benchmarks.live import Figures, Market, free_ports, started
from rig.orderclients import Choices, Kind, OrderClient, Prices, markets, open_accounts
from rig.processes import free_port, manage
from scripts.services import PostgreSQL, Redis

BALANCE = 10_000_000
BOOKS_S = 300.0
PACED_ACCOUNTS, PACED_PER_S = 5, 20.0
SUSTAINED_ACCOUNTS = 24
WARM_UP_S = 5.0


@dataclass(frozen=True)
class Exchange:
    """A running product, and the environment of commands for its database."""

    market: Market
    env: dict[str, str]


@contextlib.contextmanager
def serve() -> Iterator[Exchange]:
    """Run `runsim --serve` on a SQLite database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        url = f"sqlite:///{Path(folder) / 'market.sqlite3'}"
        env = os.environ | {"DEBUG": "on", "DATABASE_URL": url, "REDIS_URL": ""}
        manage("migrate", "-v0", env=env)
        manage("seedinstruments", env=env)
        command = [sys.executable, "manage.py", "runsim", "--serve", f"127.0.0.1:{port}"]
        with started([*command, "--backfill", "1h"], env, (port,)) as market:
            yield Exchange(market, env)


@contextlib.contextmanager
def up() -> Iterator[Exchange]:
    """Run `make up` with two web processes; PostgreSQL and Redis are its own."""
    with contextlib.ExitStack() as services:
        folder = services.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        database = services.enter_context(PostgreSQL(Path(folder) / "postgresql"))
        redis = services.enter_context(Redis())
        env = os.environ | {"DEBUG": "on", "RUNSIM_OPTIONS": "--backfill 1h"}
        env |= {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
        port = free_ports()
        command = [sys.executable, "-m", "scripts.up", "--address", f"127.0.0.1:{port}"]
        with started([*command, "--web", "2", "--data", folder], env, (port, port + 1)) as market:
            yield Exchange(market, env)


@dataclass
class Sent:
    """What the clients sent: seconds by kind, statuses."""

    seconds: dict[Kind, list[float]] = field(
        default_factory=lambda: {"limit": [], "market": [], "cancel": []}
    )
    statuses: Counter[str] = field(default_factory=Counter)


class Program(threading.Thread):
    """Sends orders of one account until the end; `pause` returns the seconds to the next."""

    def __init__(
        self, client: OrderClient, choices: Choices, pause: Callable[[], float], ends: float
    ) -> None:
        super().__init__(daemon=True)
        self.sent = Sent()
        self._client, self._choices = client, choices
        self._pause = pause
        self._ends = ends

    def run(self) -> None:
        due = time.monotonic() + self._pause()
        while (now := time.monotonic()) < self._ends:
            time.sleep(max(0.0, due - now))
            self._send()
            due += self._pause()

    def _send(self) -> None:
        request = self._choices.next()
        try:
            answer = self._client.send(request.method, request.path, request.body)
        except (OSError, http.client.HTTPException) as error:
            self.sent.statuses[type(error).__name__] += 1
            return
        self._choices.note(request, answer)
        self.sent.seconds[request.kind].append(answer.seconds)
        self.sent.statuses[f"{request.kind} {answer.status}"] += 1


def wait_for_books(client: OrderClient, symbols: Sequence[str]) -> None:
    """Wait until every book executes orders."""
    deadline = time.monotonic() + BOOKS_S
    for symbol in symbols:
        order = {"symbol": symbol, "side": "buy", "type": "market", "quantity": 1}
        while (answer := client.send("POST", "orders/", order)).status == 503:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{symbol}: {answer.body}")
            time.sleep(0.5)


def trade(exchange: Exchange, accounts: int, seconds: float, per_s: float = 0.0) -> Figures:
    """Let accounts send orders, `per_s` in all or (0) one right after the other."""
    ports = exchange.market.ports
    keys = open_accounts(exchange.env, [f"program {n}" for n in range(accounts)], BALANCE)
    books = markets(ports[0])
    with contextlib.ExitStack() as stack:
        prices = Prices(ports, [book.symbol for book in books])
        prices.begin()
        stack.callback(prices.end)
        clients = [
            stack.enter_context(OrderClient(ports[n % len(ports)], each))
            for n, each in enumerate(keys)
        ]
        wait_for_books(clients[0], [book.symbol for book in books])
        choices = [Choices(books, prices.last, seed) for seed in range(accounts)]
        pauses = [pause_of(per_s / accounts, seed) for seed in range(accounts)]
        run_all(clients, choices, pauses, WARM_UP_S)
        load, cpu, ours = os.getloadavg()[0], exchange.market.cpu_s(), time.process_time()
        begun = time.monotonic()
        sent = run_all(clients, choices, pauses, seconds)
        took = time.monotonic() - begun
        return {
            **figures_of(sent, took),
            "product, cores": round((exchange.market.cpu_s() - cpu) / took, 2),
            "clients, cores": round((time.process_time() - ours) / took, 2),
            "load average before, after": f"{load:.1f}, {os.getloadavg()[0]:.1f}",
        }


def pause_of(per_s: float, seed: int) -> Callable[[], float]:
    """Return a function that draws the seconds from one order of an account to the next."""
    chance = random.Random(seed)
    return lambda: chance.expovariate(per_s) if per_s else 0.0


def run_all(
    clients: Sequence[OrderClient],
    choices: Sequence[Choices],
    pauses: Sequence[Callable[[], float]],
    seconds: float,
) -> Sent:
    """Run a program for each client; return what all of them sent."""
    ends = time.monotonic() + seconds
    programs = [
        Program(client, chosen, pause, ends)
        for client, chosen, pause in zip(clients, choices, pauses, strict=True)
    ]
    for each in programs:
        each.start()
    total = Sent()
    for each in programs:
        each.join()
        total.statuses += each.sent.statuses
        for kind, seconds_of in each.sent.seconds.items():
            total.seconds[kind] += seconds_of
    return total


def figures_of(sent: Sent, seconds: float) -> Figures:
    every = [each for found in sent.seconds.values() for each in found]
    figures: Figures = {"orders/s answered": round(len(every) / seconds, 1)}
    for label, found in [("all", every), *sent.seconds.items()]:
        p50, p99 = np.percentile(found, [50, 99]) * 1000
        figures |= {f"{label}: p50 ms": round(p50, 1), f"{label}: p99 ms": round(p99, 1)}
    return figures | {"answers": str(dict(sorted(sent.statuses.items())))}


def paced(seconds: float) -> Figures:
    with serve() as exchange:
        return trade(exchange, PACED_ACCOUNTS, seconds, PACED_PER_S)


def sustained(seconds: float) -> Figures:
    with up() as exchange:
        return trade(exchange, SUSTAINED_ACCOUNTS, seconds)


SCENARIOS: dict[str, Callable[[float], Figures]] = {"paced": paced, "sustained": sustained}


def main() -> None:
    parser = argparse.ArgumentParser(description="Orders over HTTP as programs send them.")
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    figures: Figures = {}
    for name in options.scenarios:
        found = SCENARIOS[name](options.seconds)
        figures |= {f"{name}: {label}": value for label, value in found.items()}
        print(json.dumps({name: found}, indent=2), flush=True)
    if options.scenarios == list(SCENARIOS):
        report("orders", figures)


if __name__ == "__main__":
    main()
