"""Kill driver, web processes and database of a stack under orders, then check everything."""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg

from rig.faults import audit
from rig.orderchecks import broken_rules, differences, unknown_orders, waiting_commands
from rig.orderclients import (
    Choices,
    Credentials,
    OrderClient,
    Prices,
    markets,
    open_accounts,
)
from rig.ordertraders import TOPICS, Follower, Trader
from rig.stack import Stack
from rig.waiting import wait_until

SYMBOLS = ("ES", "EURUSD", "BTCUSDT")
SPEED = 5.0
KILLED = ("simulation", "web 1", "web 2", "PostgreSQL")
ACCOUNTS, PER_S = 5, 20.0
BALANCE = 10_000_000
RECOVERY_S = 180.0
LONGEST_OUTAGE_S = 2.0
LONGEST_PAUSE_S = 2.0
PATHS = {"orders": "orders/events/", "executions": "executions/"}


@dataclass
class Trial:
    """By service, the seconds until every account had new answers; figures; violations."""

    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    figures: dict[str, object] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


class Floor:
    """Traders and followers of the accounts of a stack."""

    def __init__(self, stack: Stack, accounts: int, chance: random.Random) -> None:
        ports = [web.port for web in stack.webs]
        names = ["first", *(f"t{n}" for n in range(accounts))]
        first, *self.keys = open_accounts(stack.env, names, BALANCE)
        books = [book for book in markets(ports[0]) if book.symbol in SYMBOLS]
        self._prices = Prices(ports, SYMBOLS)
        wait_for_books(ports[0], first)
        self._ends = threading.Event()
        self.traders = [
            Trader(
                ports,
                key,
                Choices(books, self._prices.last, n),
                random.Random(chance.random()),
                PER_S / accounts,
                self._ends,
            )
            for n, key in enumerate(self.keys)
        ]
        self.followers = [Follower(ports, key, random.Random(chance.random())) for key in self.keys]

    def start(self) -> None:
        self._prices.begin()
        for thread in (*self.followers, *self.traders):
            thread.start()

    def stop_trading(self) -> None:
        """Return when every request has its final answer."""
        self._ends.set()
        for trader in self.traders:
            trader.join()
        self._prices.end()

    @property
    def answered(self) -> list[int]:
        return [trader.trades.answered for trader in self.traders]


def wait_for_books(port: int, key: Credentials) -> None:
    """Wait until every book executes orders."""

    def is_open(symbol: str) -> bool:
        order = {"symbol": symbol, "side": "buy", "type": "market", "quantity": 1}
        return client.send("POST", "orders/", order).status == 201

    with OrderClient(port, key) as client:
        for symbol in SYMBOLS:
            wait_until(partial(is_open, symbol), f"the book of {symbol}")


def kills(count: int, chance: random.Random) -> Iterator[str]:
    """Yield services to kill: each of them equally often, in random order."""
    for n in range(count):
        if n % len(KILLED) == 0:
            waiting = chance.sample(KILLED, len(KILLED))
        yield waiting.pop()


def torment(
    stack: Stack,
    services: Iterable[str],
    chance: random.Random,
    accounts: int = ACCOUNTS,
    say: Callable[[str], None] = print,
) -> Trial:
    """Kill services under orders, then stop trading and check everything."""
    trial = Trial()
    floor = Floor(stack, accounts, chance)
    floor.start()
    started = time.monotonic()
    for service in services:
        time.sleep(chance.uniform(0.2, LONGEST_PAUSE_S))
        now, outage_s = time.monotonic() - started, chance.uniform(0, LONGEST_OUTAGE_S)
        stack.services[service].kill()
        time.sleep(outage_s)
        stack.services[service].start()
        took = recovery(floor, trial, service)
        trial.recoveries[service].append(took)
        say(f"{now:6.1f} s  {service:<11} down {outage_s:.1f} s, new answers after {took:.1f} s")
    floor.stop_trading()
    trial.figures["seconds"] = round(time.monotonic() - started)
    prove(stack, floor, trial)
    return trial


def recovery(floor: Floor, trial: Trial, service: str) -> float:
    """Return the seconds until every account has a new answer."""
    begun, before = time.monotonic(), floor.answered
    try:
        wait_until(
            lambda: all(now > old for now, old in zip(floor.answered, before, strict=True)),
            "new answers for every account",
            RECOVERY_S,
        )
    except TimeoutError as error:
        trial.complaints.append(f"after a kill of {service}: {error}")
    return time.monotonic() - begun


def prove(stack: Stack, floor: Floor, trial: Trial) -> None:
    """Stop the market, wait until clients have caught up, and note figures and violations."""
    url = stack.env["DATABASE_URL"]
    wait_until(lambda: waiting_commands(url) == 0, "execution of all commands")
    stack.simulation.stop()
    for follower, key in zip(floor.followers, floor.keys, strict=True):
        recorded = {topic: listing(stack.webs[0].port, key, PATHS[topic]) for topic in TOPICS}
        catch_up(follower, {topic: len(rows) for topic, rows in recorded.items()}, trial)
        follower.stop()
        trial.complaints += differences(follower, recorded)
        trial.figures[f"{key.account}: executions"] = len(recorded["executions"])
    for trader in floor.traders:
        trial.complaints += trader.trades.complaints
        trial.complaints += unknown_orders(url, trader.account, trader.trades.sent)
    with psycopg.connect(url) as connection:
        trial.complaints += broken_rules(connection)
    trial.complaints += audit(stack)
    trial.figures |= figures_of(floor)


def catch_up(follower: Follower, ends: dict[str, int], trial: Trial) -> None:
    try:
        wait_until(
            lambda: all(follower.seq(topic) >= end for topic, end in ends.items()),
            f"{follower.name}: {ends}",
        )
    except TimeoutError as error:
        trial.complaints.append(str(error))


def listing(port: int, key: Credentials, path: str) -> Sequence[Sequence[Any]]:
    with OrderClient(port, key) as client:
        answer = client.send("GET", f"{path}?since_seq=0&limit=all")
    rows: Sequence[Sequence[Any]] = answer.body["rows"]
    return rows


def figures_of(floor: Floor) -> dict[str, object]:
    repeated: Counter[str] = Counter()
    for trader in floor.traders:
        repeated += trader.trades.errors
    return {
        "requests answered": sum(floor.answered),
        "repeated after": dict(sorted(repeated.items())),
        "connections of followers": sum(each.connections for each in floor.followers),
    }
