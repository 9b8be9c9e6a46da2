"""Kill driver, web processes and PostgreSQL under orders, and check that none is lost or repeated.

    python -m benchmarks.orderfaults [--kills 50] [--seed N]

Starts PostgreSQL, Redis, two web processes and a simulation with three books. Five accounts send
20 requests/s under client ids and repeat them until they are answered; a WebSocket client of each
account resumes its orders and executions. Services are killed with SIGKILL at random moments.
Afterwards, every acknowledged order must exist once, ledgers, balances, positions and orders must
agree with the executions, every client must have received each row once, and the audit must pass.
Exit code 0 if so; 50 kills or more are written to benchmarks/results.
"""

import argparse
import os
import random
import secrets
import sys
from pathlib import Path

from rich.console import Console

from benchmarks.harness import report
from rig.orderfaults import SPEED, SYMBOLS, Trial, kills, torment
from rig.stack import Stack

RECORD = 50


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill services under orders.")
    parser.add_argument("--kills", type=int, default=RECORD)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    parser.add_argument("--log", type=Path, help="write the output of all processes to this file")
    return parser.parse_args()


def figures_of(trial: Trial, options: argparse.Namespace) -> dict[str, object]:
    recoveries = {
        f"{service}: kills, slowest recovery s": f"{len(took)}, {max(took):.1f}"
        for service, took in sorted(trial.recoveries.items())
    }
    return {
        "kills": options.kills,
        "seed": options.seed,
        **recoveries,
        **trial.figures,
        "violations": len(trial.complaints),
        "load average": round(os.getloadavg()[0], 1),
    }


def main() -> int:
    options = arguments()
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"seed {options.seed}, {options.kills} kills")
    with Stack(SYMBOLS, SPEED) as stack:
        try:
            chance = random.Random(options.seed)
            trial = torment(stack, kills(options.kills, chance), chance, say=console.print)
        finally:
            if options.log:
                options.log.write_text(stack.written())
    figures = figures_of(trial, options)
    if options.kills >= RECORD:
        report("orderfaults", figures)
    else:
        console.print(figures)
    for complaint in trial.complaints:
        console.print(f"[red]{complaint}")
    return 1 if trial.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
