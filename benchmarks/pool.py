"""One process, threads or processes over shared memory: which is fastest at which size."""

import os

import numpy as np

from benchmarks.harness import report
from benchmarks.timing import best_ms
from indicators.catalogue import of_prices
from indicators.entropy import permutation_entropy
from indicators.hurst import hurst_exponent
from indicators.ordinal_patterns import count_parts
from indicators.scanning import scan
from indicators.sharedpool import SharedPool, pool

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
ROWS = (10, 50, 200, 1_000)
CLOSES = 2_000
PROCS = os.cpu_count() or 1


def count_chunk(closes: np.ndarray, begin: int, end: int, m: int) -> np.ndarray:
    counts = np.zeros((1, 120), np.int64)
    count_parts(closes, np.array([begin, end]), m, 1, counts)
    return counts


def main() -> None:
    figures: dict[str, object] = {"closes of a series in a scan": CLOSES}
    closes = np.random.default_rng(1).normal(size=max(SIZES)).cumsum()
    processes = SharedPool(PROCS, __spec__.name)
    for size in SIZES:
        figures |= one_series(closes[:size], processes)
    processes.close()
    pool(None, "indicators.scanning").wait_until_ready()
    for rows in ROWS:
        figures |= many_series(closes[: rows * CLOSES].reshape(rows, CLOSES))
    report("pool", figures)


def one_series(closes: np.ndarray, processes: SharedPool) -> dict[str, object]:
    vectors = closes.size - 4
    bounds = np.linspace(0, vectors, PROCS + 1).astype(int).tolist()
    parts = [(bounds[i], bounds[i + 1], 5) for i in range(PROCS)]
    function = f"{__spec__.name}:count_chunk"
    entropy = best_ms(
        {
            "this thread": lambda: permutation_entropy(closes, m=5, workers=1),
            "default": lambda: permutation_entropy(closes, m=5),
            "processes": lambda: sum(processes.map(function, closes, parts)),
        },
        rounds=9,
    )
    hurst = best_ms(
        {
            "this thread": lambda: hurst_exponent(closes, num_workers=1),
            "default": lambda: hurst_exponent(closes),
        },
        rounds=5,
    )
    figures: dict[str, object] = {f"entropy, m = 5, {closes.size:,} closes, ms": formatted(entropy)}
    return figures | {f"Hurst, {closes.size:,} closes, ms": formatted(hurst)}


def many_series(matrix: np.ndarray) -> dict[str, object]:
    names = [indicator.name for indicator in of_prices()]
    figures = {"all measures": rivals(matrix, names)}
    if len(matrix) == max(ROWS):
        figures |= {name: rivals(matrix, [name]) for name in names}
    return {f"{name} of {len(matrix):,} series, ms": formatted(t) for name, t in figures.items()}


def rivals(matrix: np.ndarray, names: list[str]) -> dict[str, float]:
    wanted: list[tuple[str, dict[str, object]]] = [(name, {}) for name in names]
    return best_ms(
        {
            "this process": lambda: scan(matrix, wanted, workers=1),
            "default": lambda: scan(matrix, wanted),
            f"{PROCS} processes": lambda: scan(matrix, wanted, workers=PROCS),
        },
        rounds=5,
    )


def formatted(times: dict[str, float]) -> str:
    return ", ".join(f"{name} {time:.2f}" for name, time in times.items())


if __name__ == "__main__":
    main()
