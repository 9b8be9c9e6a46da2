"""Prove that bots send every order exactly once, whatever is killed and however the venue fails.

    python -m benchmarks.tradingfaults [--orders 10000] [--minutes M] [--seed N]
        [--profiles NAME ...]

Starts PostgreSQL, Redis, a web process, a Celery worker, a simulation of three books, `runbot`, and
the Bybit door with one fault profile after the other. Under each, eight bots trade in accounts of
their own through the door, and processes are killed with SIGKILL at random moments: bots, worker,
web, door, simulation, Redis, PostgreSQL. Afterwards every intended order must exist at the exchange
exactly once, or be reported as not sent or refused; fills, positions and profits of bots must equal
the exchange's to the last unit; and the audit must pass. Exit code 0 if so; 10,000 orders or more
are written to benchmarks/results.
"""

import argparse
import os
import random
import secrets
import sys
from pathlib import Path

from rich.console import Console

from benchmarks.harness import report
from rig.stack import Stack
from rig.tradingfaults import SPEED, SYMBOLS, Trial, torment
from venues.faults.profiles import PROFILES

RECORD = 10_000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill processes under bots.")
    parser.add_argument("--orders", type=int, default=RECORD)
    parser.add_argument("--minutes", type=float, help="after which slow profiles send no more")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    parser.add_argument("--profiles", nargs="+", default=list(PROFILES), choices=list(PROFILES))
    parser.add_argument("--log", type=Path, help="write the output of all processes to this file")
    return parser.parse_args()


def figures_of(trial: Trial, seed: int) -> dict[str, object]:
    rows = {
        profile: ", ".join(f"{name} {value}" for name, value in found.items())
        for profile, found in trial.profiles.items()
    }
    return {
        **rows,
        "kills": ", ".join(f"{name} {count}" for name, count in sorted(trial.kills.items())),
        "seed": seed,
        "positions counted in another order": trial.reordered,
        "violations": len(trial.complaints),
        "load average": round(os.getloadavg()[0], 1),
    }


def main() -> int:
    options = arguments()
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"seed {options.seed}, {options.orders} orders")
    chance = random.Random(options.seed)
    with Stack(SYMBOLS, SPEED, webs=1) as stack:
        try:
            longest_s = options.minutes * 60 if options.minutes else None
            trial = torment(
                stack, options.orders, chance, options.profiles, console.print, longest_s
            )
        finally:
            if options.log:
                options.log.write_text(stack.written())
    figures = figures_of(trial, options.seed)
    if options.orders >= RECORD:
        report("tradingfaults", figures)
    else:
        console.print(figures)
    for complaint in trial.complaints:
        console.print(f"[red]{complaint}", markup=True)
    return 1 if trial.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
