"""Make indicators/hurst_nulls.json: how mean R/S of two window sizes vary together.

    python scripts/hurst_nulls.py

For series without memory and windows w1 <= w2 = r w1 on n increments,
Cov(log mean R/S(w1), log mean R/S(w2)) is kappa(r) w2 / n once w1 is not small (Brownian
scaling). And the growth of the estimate's spread with H, from fractional Gaussian noise.
"""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from indicators.hurst import hurst_exponent  # noqa: E402
from indicators.rescaled_range import mean_rs  # noqa: E402
from indicators.tests.noise import fractional_gaussian_noise  # noqa: E402

WHOLE = 8192
RATIOS = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128, 256, 512)
RUNS = 20_000
EXPONENTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LENGTH = 4096
FGN_RUNS = 2_000


def kappa(rng: np.random.Generator) -> list[float]:
    drawn = np.empty((RUNS, len(RATIOS)))
    path = np.zeros(WHOLE + 1)
    for run in range(RUNS):
        rng.standard_normal(out=path[1:])
        path[1:].cumsum(out=path[1:])
        drawn[run] = [mean_rs(path[: WHOLE // r * r + 1], WHOLE // r) for r in RATIOS]
    drawn /= drawn.mean(axis=0)
    return [float(np.cov(drawn[:, 0], drawn[:, i])[0, 1]) for i in range(len(RATIOS))]


def spread(rng: np.random.Generator) -> list[list[float]]:
    """Return mean and standard deviation of the estimate for each exponent."""
    rows = []
    for exponent in EXPONENTS:
        noise = fractional_gaussian_noise(exponent, LENGTH, FGN_RUNS, rng)
        paths = np.cumsum(noise, axis=1)
        values = [hurst_exponent(path).value for path in paths]
        rows.append([exponent, round(np.mean(values), 4), round(np.std(values, ddof=1), 4)])
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    rng = np.random.default_rng(1951)
    table = {
        "ratios": RATIOS,
        "kappa": [round(value, 5) for value in kappa(rng)],
    }
    print(table, flush=True)
    table["spread"] = spread(rng)
    (ROOT / "indicators" / "hurst_nulls.json").write_text(json.dumps(table) + "\n")


if __name__ == "__main__":
    main()
