"""Make indicators/entropy_nulls.json: how much the entropy of white noise falls short of 1.

    python scripts/entropy_nulls.py

Simulates G = 2 N log(m!) (1 - H) for N vectors of m points. Its distribution settles as N / m!
grows, so its 95 % quantile is tabulated over that ratio.
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


def main() -> None:
    rng = np.random.default_rng(2002)
    table: dict[str, list[list[float]]] = {}
    for m in range(2, 8):
        rows = []
        for ratio in RATIOS:
            vectors = max(ratio * factorial(m), 10)
            if vectors > MOST_VECTORS:
                break
            quantile = np.quantile(shortfalls(m, vectors, rng), 0.95)
            rows.append([vectors / factorial(m), round(quantile, 5)])
        table[str(m)] = rows
        print(m, rows[-1], flush=True)
    lines = ",\n".join(f"  {json.dumps(m)}: {json.dumps(rows)}" for m, rows in table.items())
    (ROOT / "indicators" / "entropy_nulls.json").write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
