"""How often bands and intervals hold what they promise to hold in 95 of 100 series."""

from collections.abc import Callable, Iterable

import numpy as np

from benchmarks.harness import report
from indicators.entropy import permutation_entropy
from indicators.estimate import Estimate, Interval
from indicators.hurst import hurst_exponent
from indicators.persistence import persistence
from indicators.tests.noise import fractional_gaussian_noise, recorded_walk
from indicators.variance_ratio import variance_ratio

SERIES = 1_000
PHIS = (-0.8, -0.4, 0.0, 0.4, 0.8)
EXPONENTS = (0.3, 0.5, 0.7, 0.9)
INCREMENTS = 4_096
Measure = Callable[[np.ndarray], Estimate]


def main() -> None:
    rng = np.random.default_rng(95)
    figures: dict[str, object] = {"series each": SERIES, "promised, %": 95}
    for m, n in ((3, 100), (3, 500), (3, 2_000), (5, 2_000), (7, 2_000), (7, 20_000)):
        label = f"entropy, m = {m}, of {n:,} points of noise in its null band, %"
        noise = (rng.normal(size=n) for _ in range(SERIES))
        figures[label] = in_band(noise, lambda x, m=m: permutation_entropy(x, m=m))
    for m, n in ((3, 2_000), (5, 2_000), (5, 20_000)):
        truth = permutation_entropy(rng.normal(size=5_000_000).cumsum(), m=m).value or 0.0
        walks = (rng.normal(size=n).cumsum() for _ in range(SERIES))
        found = [permutation_entropy(walk, m=m) for walk in walks]
        label = f"entropy, m = {m}, of an endless walk in the interval of {n:,} points, %"
        figures[label] = share([holds(each.interval, truth) for each in found])
    for n in (60, 500, 5_000):
        walks = (recorded_walk(n, 0.0, rng).cumsum() for _ in range(SERIES))
        figures[f"persistence of {n:,} coins in its null band, %"] = in_band(walks, persistence)
        for phi in PHIS:
            walks = (recorded_walk(n, phi, rng).cumsum() for _ in range(SERIES))
            held = [holds(persistence(walk).interval, phi) for walk in walks]
            figures[f"phi = {phi} in the interval of {n:,} ticks, %"] = share(held)
    walks = (rng.normal(size=2_000).cumsum() for _ in range(SERIES))
    figures["variance ratio, q = 2, of 2,000 points in its null band, %"] = in_band(
        walks, variance_ratio
    )
    for corrected in (False, True):
        figures |= of_hurst(rng, corrected)
    report("coverage", figures)


def of_hurst(rng: np.random.Generator, corrected: bool) -> dict[str, object]:
    figures: dict[str, object] = {}
    for exponent in EXPONENTS:
        noise = fractional_gaussian_noise(exponent, INCREMENTS, SERIES, rng)
        found = [hurst_exponent(row, corrected=corrected) for row in noise.cumsum(axis=1)]
        label = f"H = {exponent}{', corrected' if corrected else ''}"
        figures[f"{label}: in the interval of {INCREMENTS:,} closes, %"] = share(
            [holds(each.interval, exponent) for each in found]
        )
        values = np.array([each.value for each in found], dtype=float)
        figures[f"{label}: bias and deviation"] = (
            f"{values.mean() - exponent:+.3f}, {values.std():.3f}"
        )
    return figures


def in_band(series: Iterable[np.ndarray], measure: Measure) -> float:
    found = [measure(each) for each in series]
    return share([holds(each.null_band, each.value or 0.0) for each in found])


def holds(interval: Interval | None, value: float) -> bool:
    return interval is not None and interval[0] <= value <= interval[1]


def share(held: list[bool]) -> float:
    return round(100 * float(np.mean(held)), 1)


if __name__ == "__main__":
    main()
