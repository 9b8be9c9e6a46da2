"""Timing, and comparison of competitors in turns, so that machine noise affects all alike."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version

Competitors = Mapping[str, Callable[[], object]]


def best_ms(
    competitors: Competitors, rounds: int = 7, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Return the shortest time of each in milliseconds, after one warm-up call."""
    best = {}
    for name, run in competitors.items():
        run()
        best[name] = float("inf")
    for _ in range(rounds):
        for name, run in competitors.items():
            start = clock()
            run()
            best[name] = min(best[name], 1000 * (clock() - start))
    return {name: round(value, 3) for name, value in best.items()}


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call of `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def versions(*packages: str) -> str:
    return ", ".join(f"{package} {version(package)}" for package in packages)


def in_new_process(code: str) -> list[float]:
    """Run `code` in a new Python process and return the numbers it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ
    )
    return [float(number) for number in done.stdout.split()]
