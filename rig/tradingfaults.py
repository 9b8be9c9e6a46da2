"""Kill every process under bots that trade through a faulty Bybit door, then compare all books."""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rig.faults import audit
from rig.processes import free_port, wait_for_http
from rig.stack import Role, Stack
from rig.tradingbots import (
    STRATEGIES,
    WantedBot,
    configuration,
    create,
    have_ended,
    orders_of,
    recover,
    want,
)
from rig.tradingchecks import counts, differences, funding_differences, reordered
from rig.venues import wait_until_live
from rig.waiting import wait_until
from scripts.services import Service
from venues.faults.profiles import PROFILES

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
SPEED = 5.0
BOTS = 8
INTERVAL_S = 0.1
LONGEST_OUTAGE_S = 2.0
LONGEST_PAUSE_S = 30.0
PHASE_S = 1_800.0
"""A profile under which the orders take longer has failed."""
SETTLE_S = 300.0
"""For bots to recover and to end, once nothing is killed any more."""


@dataclass
class Trial:
    """What happened under each profile, kills by service, and violations."""

    profiles: dict[str, dict[str, object]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    reordered: int = 0
    """Positions whose executions were counted in another order than they happened."""


@contextlib.contextmanager
def door(stack: Stack, profile: str, seed: int) -> Iterator[tuple[Role, str]]:
    """Serve the Bybit door with the faults of a profile; yield its process and address."""
    port = free_port()
    command = ["manage.py", "runvenue", "bybit", f"127.0.0.1:{port}"]
    role = Role([*command, "--faults", profile, "--seed", str(seed)], stack.env, stack.log)
    with role:
        wait_for_http(f"http://127.0.0.1:{port}/v5/market/time", role.process)
        yield role, f"http://127.0.0.1:{port}"


def torment(
    stack: Stack,
    orders: int,
    chance: random.Random,
    profiles: Sequence[str] = tuple(PROFILES),
    say: Callable[[str], None] = print,
    longest_s: float | None = None,
) -> Trial:
    """Let bots send `orders` in all, under one profile after the other, and kill every process.

    With `longest_s`, each profile has its share of that time, and a slow one sends fewer orders.
    """
    trial = Trial()
    wait_until_live(SYMBOLS, stack.env)
    worker = Role(["-m", "celery", "-A", "pytrade", "worker", "-c", "1"], stack.env, stack.log)
    bots = Role(["manage.py", "runbot"], stack.env, stack.log)
    with worker, bots:
        for number, profile in enumerate(profiles):
            target = orders * (number + 1) // len(profiles) - orders * number // len(profiles)
            services = {**stack.services, "worker": worker, "bots": bots}
            begun = time.monotonic()
            with door(stack, profile, number) as (role, url):
                share_s = longest_s / len(profiles) if longest_s else None
                every = {**services, "door": role}
                phase(stack, every, profile, url, target, chance, trial, share_s)
            found = counts(stack.env["DATABASE_URL"], profile)
            trial.profiles[profile] = {**found, "seconds": round(time.monotonic() - begun)}
            say(f"{profile}: {trial.profiles[profile]}, {sum(trial.kills.values())} kills so far")
    trial.complaints += differences(stack.env["DATABASE_URL"])
    trial.reordered = reordered(stack.env["DATABASE_URL"])
    stack.simulation.stop()
    trial.complaints += audit(stack)
    return trial


def phase(
    stack: Stack,
    services: dict[str, Service],
    profile: str,
    url: str,
    target: int,
    chance: random.Random,
    trial: Trial,
    share_s: float | None = None,
) -> None:
    """Trade through one door until bots have decided on `target` orders, killing processes."""
    names = [f"{profile}-{n}" for n in range(BOTS)]
    settings = [
        configuration(STRATEGIES[n % len(STRATEGIES)], SYMBOLS, INTERVAL_S) for n in range(BOTS)
    ]
    made = [
        WantedBot(name=name, configuration=each, broker="venue", url=url)
        for name, each in zip(names, settings, strict=True)
    ]
    create(stack, made)
    want(stack, names, is_wanted=True)
    database, until = stack.env["DATABASE_URL"], time.monotonic() + (share_s or PHASE_S)
    waiting: list[str] = []
    while (count := orders_of(database, names)) < target:
        if time.monotonic() > until:
            if share_s is None:
                trial.complaints.append(f"{profile}: {count} of {target} orders in {PHASE_S:.0f} s")
            break
        time.sleep(chance.uniform(0.5, LONGEST_PAUSE_S))
        waiting = waiting or chance.sample(list(services), len(services))
        kill(services, waiting.pop(), chance, trial)
    want(stack, names, is_wanted=False)
    try:
        wait_until(lambda: have_ended(database, names), f"{profile}: bots end", SETTLE_S)
        if left := recover(stack, names):
            trial.complaints.append(f"{profile}: recovery leaves {left} findings")
        trial.complaints += funding_differences(database, names)
    except TimeoutError as error:
        trial.complaints.append(str(error))


def kill(services: dict[str, Service], name: str, chance: random.Random, trial: Trial) -> None:
    services[name].kill()
    time.sleep(chance.uniform(0, LONGEST_OUTAGE_S))
    services[name].start()
    trial.kills[name] += 1
