"""Make indicators/entropy_nulls.json: how much the entropy of white noise falls short of 1.

    python scripts/entropy_nulls.py

Simulates G = 2 N log(m!) (1 - H) for N vectors of m points. Its distribution settles as N / m!
grows, so its 95 % quantile is tabulated over that ratio. And for a random walk, whose patterns
are not equally likely: the mean of H, the N-fold of its bias and the root-N-fold of its spread.
"""

import json
import sys
from math import factorial, log
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from indicators.ordinal_patterns import count  # noqa: E402

RATIOS = (1, 2, 3, 5, 8, 12, 20, 50, 100, 200, 1000)
MOST_VECTORS = 120_000
RUNS = 20_000


def shortfalls(m: int, vectors: int, rng: np.random.Generator) -> np.ndarray:
    """Return RUNS draws of G, sorted out of nothing but white noise."""
    runs = max(4_000, min(RUNS, 2_000_000_000 // (vectors * m)))
    drawn = np.empty(runs)
    for run in range(runs):
        counts = np.zeros(factorial(m), np.int64)
        count(rng.random(vectors + m - 1), 0, vectors, m, 1, counts)
        p = counts[counts > 0] / vectors
        drawn[run] = 2 * vectors * (log(factorial(m)) + (p * np.log(p)).sum())
    return drawn


def walk_moments(m: int, rng: np.random.Generator) -> list[float]:
    """Return the mean of H of a long walk, the bias times N and the spread times root N."""
    size = factorial(m)
    vectors = max(2_000, 10 * size)
    runs = max(1_000, min(10_000, 400_000_000 // vectors))
    pooled = np.zeros(size, np.int64)
    drawn = np.empty(runs)
    for run in range(runs):
        counts = np.zeros(size, np.int64)
        count(rng.standard_normal(vectors + m - 1).cumsum(), 0, vectors, m, 1, counts)
        pooled += counts
        drawn[run] = entropy(counts)
    limit = entropy(pooled)
    bias, spread = (limit - drawn.mean()) * vectors, drawn.std(ddof=1) * vectors**0.5
    return [round(limit, 6), round(bias, 4), round(spread, 4)]


def entropy(counts: np.ndarray) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum()) / log(counts.size)


def main() -> None:
    rng = np.random.default_rng(2002)
    table: dict[str, list[list[float]]] = {}
    walks: dict[str, list[float]] = {}
    for m in range(2, 8):
        rows = []
        for ratio in RATIOS:
            vectors = max(ratio * factorial(m), 10)
            if vectors > MOST_VECTORS:
                break
            quantile = np.quantile(shortfalls(m, vectors, rng), 0.95)
            rows.append([vectors / factorial(m), round(quantile, 5)])
        table[str(m)] = rows
        walks[str(m)] = walk_moments(m, rng)
        print(m, rows[-1], walks[str(m)], flush=True)
    text = json.dumps({"noise": table, "walk": walks})
    (ROOT / "indicators" / "entropy_nulls.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
