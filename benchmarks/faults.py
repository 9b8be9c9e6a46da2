"""Kill, stop, restart and pause every service in turn, and check that no client loses a tick.

    python -m benchmarks.faults [--minutes 3] [--seed N]

Starts PostgreSQL, Redis, two web processes, a simulation, and WebSocket and SSE clients that resume
from their last seq. At the end, every client must have received each tick exactly once or a gap
frame for it, and the audit must pass. Exit code 0 if so.
"""

import argparse
import asyncio
import random
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from rig.crowd import Crowd
from rig.faults import SPEED, SYMBOLS, Trial, audit, faults, for_seconds, invite, torment
from rig.stack import Stack
from rig.watchers import Watcher


def table_of_faults(trial: Trial) -> Table:
    table = Table("service", "fault", "times", "slowest recovery, s", title="faults")
    for (service, kind), seconds in sorted(trial.recoveries.items()):
        table.add_row(service, kind, str(len(seconds)), f"{max(seconds):.1f}")
    return table


def table_of_clients(watchers: Sequence[Watcher]) -> Table:
    columns = ("visits", "left", "lost", "ticks", "in gaps", "missing", "duplicates")
    table = Table("transport", "clients", *columns, title="clients")
    for way in dict.fromkeys(watcher.way for watcher in watchers):
        group = [watcher for watcher in watchers if watcher.way == way]
        ledgers = [ledger for watcher in group for ledger in watcher.ledgers.values()]
        figures = (
            sum(watcher.connections for watcher in group),
            sum(watcher.left for watcher in group),
            sum(watcher.lost.total() for watcher in group),
            sum(ledger.ticks for ledger in ledgers),
            sum(ledger.in_gaps for ledger in ledgers),
            sum(len(ledger.holes) for ledger in ledgers),
            sum(ledger.duplicates for ledger in ledgers),
        )
        table.add_row(way, str(len(group)), *(f"{figure:,}" for figure in figures))
    return table


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill, stop, restart and pause every service.")
    parser.add_argument("--minutes", type=float, default=3.0, help="duration (default 3)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    parser.add_argument("--clients", type=int, default=4, help="scale: five clients per unit")
    parser.add_argument("--services", nargs="+", help="only these, e.g. PostgreSQL (default: all)")
    parser.add_argument("--log", type=Path, help="write the output of all processes to this file")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"seed {options.seed}, {options.minutes:g} minutes")
    rng = random.Random(options.seed)
    with Stack(SYMBOLS, SPEED) as stack:
        crowd = Crowd(SYMBOLS, rng)
        invite(crowd, [web.port for web in stack.webs], options.clients)
        chosen = faults(options.services or list(stack.services), rng)
        trial = asyncio.run(
            torment(stack, crowd, for_seconds(options.minutes * 60, chosen), console.print)
        )
        complaints = [*trial.complaints, *audit(stack)]
        if options.log:
            options.log.write_text(stack.written())
    console.print(table_of_faults(trial), table_of_clients(crowd.watchers))
    for complaint in complaints:
        console.print(f"[red]{complaint}")
    left = sum(watcher.left for watcher in crowd.watchers)
    verdict = f"{len(complaints)} violations" if complaints else "each tick once, audit passed"
    console.print(f"seed {options.seed}: {verdict}, {left:,} disconnects by clients")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
