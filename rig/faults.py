"""Faults injected into a running stack, and the check that its clients lose no tick."""

import asyncio
import itertools
import random
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rig.crowd import Crowd
from rig.stack import Role, Stack
from rig.watchers import EventWatcher, SocketWatcher
from scripts.services import Service

SYMBOLS = ("YM", "NQ", "CL")
SPEED = 20.0
RECOVERY_S = 30.0
"""With all services running again, clients must receive new ticks within this time."""
LONGEST_S = 4.0
KINDS: dict[str, tuple[str, str]] = {
    "kill": ("kill", "start"),
    "stop": ("stop", "start"),
    "restart": ("stop", "start"),  # without a pause between them
    "pause": ("pause", "resume"),
}
"""Methods of Service that begin and end each kind of fault."""


@dataclass(frozen=True)
class Fault:
    """A fault of one service that lasts `outage_s`."""

    service: str
    kind: str
    outage_s: float


def faults(services: Sequence[str], rng: random.Random) -> Iterator[Fault]:
    """Yield faults forever: each service once per round, each kind once per len(KINDS) rounds."""
    waiting: dict[str, list[str]] = {service: [] for service in services}
    while True:
        for service in rng.sample(list(services), len(services)):
            if not waiting[service]:
                waiting[service] = rng.sample(list(KINDS), len(KINDS))
            kind = waiting[service].pop()
            outage_s = 0.0 if kind == "restart" else rng.uniform(0.2, LONGEST_S)
            yield Fault(service, kind, outage_s)


async def inject(service: Service, fault: Fault) -> None:
    begin, end = KINDS[fault.kind]
    await asyncio.to_thread(getattr(service, begin))
    await asyncio.sleep(fault.outage_s)
    await asyncio.to_thread(getattr(service, end))


@dataclass
class Trial:
    """Results: by service and kind, the seconds until all clients had new ticks; violations."""

    recoveries: dict[tuple[str, str], list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )
    complaints: list[str] = field(default_factory=list)


def invite(crowd: Crowd, ports: Sequence[int], size: int) -> None:
    """Add `size` long-lived clients of each transport and `3 * size` that keep reconnecting."""
    crowd.add(SocketWatcher, size, ports)
    crowd.add(SocketWatcher, 2 * size, ports, stay_s=1)
    crowd.add(EventWatcher, size, ports)
    crowd.add(EventWatcher, size, ports, stay_s=5)


def for_seconds(seconds: float, faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield from `faults` until `seconds` have passed since this call."""
    ends = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < ends, faults)


async def torment(
    stack: Stack, crowd: Crowd, faults: Iterable[Fault], say: Callable[[str], None] = print
) -> Trial:
    """Inject `faults` one after the other, then stop the simulation and verify all ledgers."""
    trial = Trial()
    services = stack.services
    async with crowd.watching():
        await crowd.reach_more(1, RECOVERY_S)
        started = time.monotonic()
        for fault in faults:
            now = time.monotonic() - started
            await inject(services[fault.service], fault)
            took = await recovery(crowd, trial, fault)
            trial.complaints += restart_exited(services, fault)
            trial.recoveries[fault.service, fault.kind].append(took)
            outage = f"down {fault.outage_s:.1f} s, " if fault.outage_s else ""
            say(
                f"{now:6.1f} s  {fault.service:<11} {fault.kind:<8}{outage}"
                f"new ticks after {took:.1f} s"
            )
        say("stopping the simulation; waiting for all clients to catch up")
        trial.complaints += await crowd.prove(stack, RECOVERY_S)
    return trial


async def recovery(crowd: Crowd, trial: Trial, fault: Fault) -> float:
    """Return the seconds until every client has new ticks of every instrument."""
    started = time.monotonic()
    try:
        await crowd.reach_more(1, RECOVERY_S)
    except TimeoutError:
        trial.complaints.append(f"no new ticks within {RECOVERY_S:.0f} s after {fault}")
    return time.monotonic() - started


def restart_exited(services: dict[str, Service], fault: Fault) -> Iterator[str]:
    """Restart each role that has exited on its own, and yield a violation for it."""
    for name, service in services.items():
        if isinstance(service, Role) and not service.is_alive:
            service.start()
            yield f"{name} exited during or after {fault}"


def audit(stack: Stack) -> list[str]:
    """Run the audit command; return its output as a violation if it fails."""
    try:
        stack.manage("audit")
    except subprocess.CalledProcessError as error:
        return ["audit: " + " ".join(str(error.stdout).split())]
    return []
