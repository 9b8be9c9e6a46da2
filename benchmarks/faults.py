"""Everything is killed, stopped, restarted and paused in turn, and nobody may lose a tick.

    python -m benchmarks.faults [--minutes 3] [--seed N]

Starts PostgreSQL, Redis, two web processes and a simulation, and clients by WebSocket and by
server-sent events that resume where they were. At the end it is proved by seq that every client got
every tick or was told of a gap, none twice, and the record is audited. Exit code 0: all of it held.
"""

import argparse
import asyncio
import itertools
import random
import secrets
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from rig.crowd import Crowd
from rig.stack import Role, Stack
from rig.watchers import EventWatcher, SocketWatcher, Watcher
from scripts.services import Service

SYMBOLS = ("ES", "NQ", "CL")
SPEED = 20.0
RECOVERY_S = 30.0
"""After so long with all parts running, clients without new ticks are a failure."""
LONGEST_S = 4.0
TROUBLES: dict[str, tuple[str, str]] = {
    "kill": ("kill", "start"),
    "stop": ("stop", "start"),
    "restart": ("stop", "start"),  # at once
    "pause": ("pause", "resume"),
}


@dataclass(frozen=True)
class Fault:
    """One trouble of one part: away for `away_s`."""

    part: str
    trouble: str
    away_s: float


def faults(parts: Sequence[str], chance: random.Random) -> Iterator[Fault]:
    """Yield faults without end: in every round each part once, over the rounds each trouble."""
    waiting: dict[str, list[str]] = {part: [] for part in parts}
    while True:
        for part in chance.sample(list(parts), len(parts)):
            if not waiting[part]:
                waiting[part] = chance.sample(list(TROUBLES), len(TROUBLES))
            trouble = waiting[part].pop()
            away_s = 0.0 if trouble == "restart" else chance.uniform(0.2, LONGEST_S)
            yield Fault(part, trouble, away_s)


async def inflict(service: Service, fault: Fault) -> None:
    begin, end = TROUBLES[fault.trouble]
    await asyncio.to_thread(getattr(service, begin))
    await asyncio.sleep(fault.away_s)
    await asyncio.to_thread(getattr(service, end))


@dataclass
class Trial:
    """What happened: the seconds until everyone had new ticks, by fault, and what is wrong."""

    recoveries: dict[tuple[str, str], list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )
    complaints: list[str] = field(default_factory=list)


def invite(crowd: Crowd, ports: Sequence[int], size: int) -> None:
    """Add `size` of each: those who stay and those who come and go, by socket and by events."""
    crowd.add(SocketWatcher, size, ports)
    crowd.add(SocketWatcher, 2 * size, ports, stay_s=1)
    crowd.add(EventWatcher, size, ports)
    crowd.add(EventWatcher, size, ports, stay_s=5)


def for_seconds(seconds: float, faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield from `faults` until so much time has passed since the first."""
    ends = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < ends, faults)


async def torment(
    stack: Stack, crowd: Crowd, faults: Iterable[Fault], say: Callable[[str], None] = print
) -> Trial:
    """Inflict `faults` one after the other; then let everything end, and prove."""
    trial = Trial()
    parts = stack.parts
    async with crowd.watching():
        await crowd.reach_more(1, RECOVERY_S)
        started = time.monotonic()
        for fault in faults:
            now = time.monotonic() - started
            await inflict(parts[fault.part], fault)
            took = await recovery(crowd, trial, fault)
            trial.complaints += restart_ended(parts, fault)
            trial.recoveries[fault.part, fault.trouble].append(took)
            away = f"{fault.away_s:.1f} s away, " if fault.away_s else ""
            say(f"{now:6.1f} s  {fault.part:<11} {fault.trouble:<8}{away}new ticks in {took:.1f} s")
        say("ending the simulation; everyone reads to the end")
        trial.complaints += await crowd.prove(stack, RECOVERY_S)
    return trial


async def recovery(crowd: Crowd, trial: Trial, fault: Fault) -> float:
    """Return the seconds until everyone has new ticks of every instrument."""
    started = time.monotonic()
    try:
        await crowd.reach_more(1, RECOVERY_S)
    except TimeoutError:
        trial.complaints.append(f"no new ticks within {RECOVERY_S:.0f} s after {fault}")
    return time.monotonic() - started


def restart_ended(parts: dict[str, Service], fault: Fault) -> Iterator[str]:
    """Start what ended by itself; yield that it did."""
    for name, part in parts.items():
        if isinstance(part, Role) and not part.is_alive:
            part.start()
            yield f"{name} ended by itself around {fault}"


def audit(stack: Stack) -> list[str]:
    try:
        stack.manage("audit")
    except subprocess.CalledProcessError as error:
        return ["audit: " + " ".join(str(error.stdout).split())]
    return []


def table_of_faults(trial: Trial) -> Table:
    table = Table("part", "trouble", "times", "s to new ticks, worst", title="faults")
    for (part, trouble), seconds in sorted(trial.recoveries.items()):
        table.add_row(part, trouble, str(len(seconds)), f"{max(seconds):.1f}")
    return table


def table_of_clients(watchers: Sequence[Watcher]) -> Table:
    columns = ("visits", "left", "lost", "ticks", "in gaps", "holes", "twice")
    table = Table("by", "clients", *columns, title="clients")
    for way in dict.fromkeys(watcher.way for watcher in watchers):
        those = [watcher for watcher in watchers if watcher.way == way]
        ledgers = [ledger for watcher in those for ledger in watcher.ledgers.values()]
        figures = (
            sum(watcher.connections for watcher in those),
            sum(watcher.left for watcher in those),
            sum(watcher.lost.total() for watcher in those),
            sum(ledger.ticks for ledger in ledgers),
            sum(ledger.in_gaps for ledger in ledgers),
            sum(len(ledger.holes) for ledger in ledgers),
            sum(ledger.duplicates for ledger in ledgers),
        )
        table.add_row(way, str(len(those)), *(f"{figure:,}" for figure in figures))
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill, stop, restart and pause everything.")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    parser.add_argument("--clients", type=int, default=4, help="of each kind; there are five")
    parser.add_argument("--parts", nargs="+", help="only these, e.g. PostgreSQL (default: all)")
    parser.add_argument("--log", help="keep here what the processes write")
    options = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"seed {options.seed}, {options.minutes:g} minutes")
    chance = random.Random(options.seed)
    with Stack(SYMBOLS, SPEED) as stack:
        crowd = Crowd(SYMBOLS, chance)
        invite(crowd, [web.port for web in stack.webs], options.clients)
        chosen = for_seconds(
            options.minutes * 60, faults(options.parts or list(stack.parts), chance)
        )
        trial = asyncio.run(torment(stack, crowd, chosen, console.print))
        complaints = [*trial.complaints, *audit(stack)]
        if options.log:
            with open(options.log, "w") as log:
                log.write(stack.written())
    console.print(table_of_faults(trial), table_of_clients(crowd.watchers))
    for complaint in complaints:
        console.print(f"[red]{complaint}")
    left = sum(watcher.left for watcher in crowd.watchers)
    verdict = f"{len(complaints)} complaints" if complaints else "each tick once, audit clean"
    verdict += f", through {left:,} disconnects of the clients' own"
    console.print(f"seed {options.seed}: {verdict}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
