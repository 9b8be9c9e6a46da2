"""Generate indicators/hurst_nulls.json: the covariance of mean R/S at two window sizes.

    python -m scripts.hurst_nulls

For series without memory and windows w1 <= w2 = r w1 on n increments,
Cov(log mean R/S(w1), log mean R/S(w2)) is kappa(r) w2 / n unless w1 is small (Brownian scaling).
Also the mean and standard deviation of the estimate by H, from fractional Gaussian noise.
"""

import json
from pathlib import Path

import numpy as np

from indicators.hurst import hurst_exponent
from indicators.rescaled_range import mean_rs
from indicators.tests.noise import fractional_gaussian_noise

ROOT = Path(__file__).resolve().parent.parent
WHOLE = 8192
RATIOS = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128, 256, 512)
RUNS = 20_000
EXPONENTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LENGTH = 4096
FGN_RUNS = 2_000


def kappa(rng: np.random.Generator) -> list[float]:
    """Return kappa for each of RATIOS."""
    drawn = np.empty((RUNS, len(RATIOS)))
    path = np.zeros(WHOLE + 1)
    for run in range(RUNS):
        rng.standard_normal(out=path[1:])
        path[1:].cumsum(out=path[1:])
        drawn[run] = [mean_rs(path[: WHOLE // r * r + 1], WHOLE // r) for r in RATIOS]
    drawn /= drawn.mean(axis=0)
    return [float(np.cov(drawn[:, 0], drawn[:, i])[0, 1]) for i in range(len(RATIOS))]


def spread(rng: np.random.Generator) -> list[list[float]]:
    """Return rows of exponent, mean and standard deviation of the estimate."""
    rows: list[list[float]] = []
    for exponent in EXPONENTS:
        noise = fractional_gaussian_noise(exponent, LENGTH, FGN_RUNS, rng)
        paths = np.cumsum(noise, axis=1)
        values = np.array([hurst_exponent(path).value for path in paths], dtype=np.float64)
        mean, deviation = float(values.mean()), float(values.std(ddof=1))
        rows.append([exponent, round(mean, 4), round(deviation, 4)])
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    rng = np.random.default_rng(1951)
    table: dict[str, object] = {
        "ratios": RATIOS,
        "kappa": [round(value, 5) for value in kappa(rng)],
    }
    print(table, flush=True)
    table["spread"] = spread(rng)
    (ROOT / "indicators" / "hurst_nulls.json").write_text(json.dumps(table) + "\n")


if __name__ == "__main__":
    main()
