"""Generate indicators/entropy_nulls.json: null distributions of permutation entropy.

    python -m scripts.entropy_nulls

White noise: simulates G = 2 N log(m!) (1 - H) for N vectors of m points. Its distribution
converges as N / m! grows, so the 95 % quantile is tabulated by that ratio. Random walk, whose
patterns are not equally likely: the limit of H for an infinite walk and, for several tau
(overlapping vectors carry less information), the bias and standard deviation of H at N / tau = 1.
"""

import json
from math import factorial, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indicators.ordinal_patterns import count
from indicators.series import read_only

ROOT = Path(__file__).resolve().parent.parent
RATIOS = (1, 1.1, 1.2, 1.35, 1.5, 1.75, 2, 2.25, 2.5, 3, 3.5, 4, 5, 6.5, 8, 12, 20, 50, 100, 200,
          1000)  # fmt: skip
TAUS = (1, 2, 3, 5, 10, 30)
MOST_VECTORS = 120_000
RUNS = 20_000
LONG = 2_000_000
LONG_RUNS = 100


def shortfalls(m: int, vectors: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return simulated draws of G for white noise, at most RUNS of them."""
    runs = max(4_000, min(RUNS, 2_000_000_000 // (vectors * m)))
    drawn = np.empty(runs)
    for run in range(runs):
        counts = np.zeros(factorial(m), np.int64)
        count(read_only(rng.random(vectors + m - 1)), 0, vectors, m, 1, counts)
        p = counts[counts > 0] / vectors
        drawn[run] = 2 * vectors * (log(factorial(m)) + (p * np.log(p)).sum())
    return drawn


def walk_limit(m: int, rng: np.random.Generator) -> float:
    """Return H of a random walk, pooled over LONG_RUNS walks of LONG steps."""
    pooled = np.zeros(factorial(m), np.int64)
    for _ in range(LONG_RUNS):
        count(read_only(rng.standard_normal(LONG).cumsum()), 0, LONG - m + 1, m, 1, pooled)
    return entropy(pooled)


def walk_moments(m: int, tau: int, limit: float, rng: np.random.Generator) -> list[float]:
    """Return tau, the bias of H and its standard deviation, both scaled to N = tau vectors."""
    size = factorial(m)
    vectors = max(2_000, 10 * size, 200 * tau)
    runs = max(2_000, min(20_000, 200_000_000 // vectors))
    drawn = np.empty(runs)
    for run in range(runs):
        counts = np.zeros(size, np.int64)
        walk = rng.standard_normal(vectors + (m - 1) * tau).cumsum()
        count(read_only(walk), 0, vectors, m, tau, counts)
        drawn[run] = entropy(counts)
    independent = vectors / tau
    bias, spread = (limit - drawn.mean()) * independent, drawn.std(ddof=1) * independent**0.5
    return [tau, round(bias, 4), round(spread, 4)]


def entropy(counts: NDArray[np.int64]) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum()) / log(counts.size)


def main() -> None:
    rng = np.random.default_rng(2002)
    table: dict[str, list[list[float]]] = {}
    walks: dict[str, dict[str, object]] = {}
    for m in range(3, 8):
        sizes = [round(ratio * factorial(m)) for ratio in RATIOS]
        table[str(m)] = [
            [vectors / factorial(m), round(np.quantile(shortfalls(m, vectors, rng), 0.95), 5)]
            for vectors in sizes
            if vectors <= MOST_VECTORS
        ]
        limit = walk_limit(m, rng)
        moments = [walk_moments(m, tau, limit, rng) for tau in TAUS]
        walks[str(m)] = {"limit": round(limit, 6), "moments": moments}
        print(m, table[str(m)][-1], walks[str(m)], flush=True)
    text = json.dumps({"noise": table, "walk": walks})
    (ROOT / "indicators" / "entropy_nulls.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
