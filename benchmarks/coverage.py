"""Empirical coverage of the 95 % null bands and 95 % intervals of all indicators."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from benchmarks.harness import report
from indicators.entropy import permutation_entropy
from indicators.estimate import Estimate, FloatArray, FloatMatrix, Interval
from indicators.hurst import hurst_exponent
from indicators.persistence import persistence
from indicators.tests.noise import fractional_gaussian_noise, law_path, recorded_walk
from indicators.variance_ratio import variance_ratio

SERIES = 1_000
PHIS = (-0.8, -0.4, 0.0, 0.4, 0.8)
EXPONENTS = (0.3, 0.5, 0.7, 0.9)
INCREMENTS = 4_096
CLOSES = 2_000
TICKS = (2_000, 5_000, 20_000)
TICKS_PER_MINUTE = 60
LONGER = 10
Measure = Callable[[np.ndarray], Estimate]
Figures = dict[str, object]


def main() -> None:
    rng = np.random.default_rng(95)
    closes = law_closes(rng)
    figures: Figures = {"series each": SERIES, "nominal, %": 95}
    figures |= of_entropy(rng, closes)
    figures |= of_persistence(rng)
    figures |= of_variance_ratio(rng, closes)
    figures |= of_hurst_under_the_law(rng, closes)
    for corrected in (False, True):
        figures |= of_hurst(rng, corrected)
    report("coverage", figures)


def law_closes(rng: np.random.Generator) -> FloatMatrix:
    """Return SERIES consecutive windows of 1-minute closes at one tick per second."""
    minutes = [
        law_path(CLOSES * TICKS_PER_MINUTE, rng)[0][TICKS_PER_MINUTE - 1 :: TICKS_PER_MINUTE]
        for _ in range(SERIES)
    ]
    return np.array(minutes, dtype=np.float64)


def of_entropy(rng: np.random.Generator, closes: FloatMatrix) -> Figures:
    figures: Figures = {}
    for m, n in ((3, 100), (3, 500), (3, 2_000), (5, 2_000), (7, 2_000), (7, 20_000)):
        label = f"entropy, m = {m}, of {n:,} points of noise in its null band, %"
        noise = (rng.normal(size=n) for _ in range(SERIES))
        figures[label] = in_band(noise, partial(permutation_entropy, m=m))
    for m, n in ((3, 2_000), (5, 2_000), (5, 20_000)):
        measure = partial(permutation_entropy, m=m)
        truth = measure(rng.normal(size=5_000_000).cumsum()).value
        walks = (rng.normal(size=n).cumsum() for _ in range(SERIES))
        label = f"entropy, m = {m}, of an infinite walk in the interval of {n:,} points, %"
        figures[label] = in_interval(walks, measure, truth)
    for m in (3, 5):
        measure = partial(permutation_entropy, m=m)
        truth = measure(joined(closes)).value
        label = f"entropy, m = {m}, of infinite closes of the law in the interval of {CLOSES:,}, %"
        figures[label] = in_interval(closes, measure, truth)
        for n in TICKS[::2]:
            ticks = law_path(SERIES * n, rng)[0]
            label = f"entropy, m = {m}, of infinite ticks of the law in the interval of {n:,}, %"
            figures[label] = in_interval(ticks.reshape(-1, n), measure, measure(ticks).value)
    return figures


def joined(windows: FloatMatrix) -> FloatArray:
    """Return one path from windows: each starts where the previous one ended."""
    steps = np.diff(windows, axis=1)
    path: FloatArray = np.concatenate([[0.0], steps.ravel().cumsum()])
    return path


def of_persistence(rng: np.random.Generator) -> Figures:
    figures: Figures = {}
    for n in (60, 500, 2_000, 5_000):
        walks = (recorded_walk(n, 0.0, rng).cumsum() for _ in range(SERIES))
        figures[f"persistence of {n:,} coins in its null band, %"] = in_band(walks, persistence)
        for phi in PHIS:
            walks = (recorded_walk(n, phi, rng).cumsum() for _ in range(SERIES))
            label = f"phi = {phi} in the interval of {n:,} ticks, %"
            figures[label] = in_interval(walks, persistence, phi)
        ticks, phis = (each.reshape(-1, n) for each in law_path(SERIES * n, rng))
        found = [persistence(row).interval for row in ticks]
        label = f"mean phi of the window in the interval of {n:,} ticks of the law, %"
        figures[label] = share(map(contains, found, phis.mean(axis=1)))
    return figures


def of_variance_ratio(rng: np.random.Generator, closes: FloatMatrix) -> Figures:
    figures: Figures = {}
    for q in (2, 5, 30):
        measure = partial(variance_ratio, q=q)
        walks = (rng.normal(size=2_000).cumsum() for _ in range(SERIES))
        label = f"variance ratio, q = {q}, of 2,000 points in its null band, %"
        figures[label] = in_band(walks, measure)
        label = f"variance ratio, q = {q}, of infinite closes of the law in the interval, %"
        figures[label] = in_interval(closes, measure, measure(joined(closes)).value)
        for n in TICKS[::2]:
            ticks = law_path(SERIES * n, rng)[0]
            label = f"variance ratio, q = {q}, of infinite ticks of the law in that of {n:,}, %"
            figures[label] = in_interval(ticks.reshape(-1, n), measure, measure(ticks).value)
        for phi in (-0.8, 0.8):
            lags = np.arange(1, q)
            truth = float(1 + 2 * ((1 - lags / q) * phi**lags).sum())
            walks = (recorded_walk(2_000, phi, rng).cumsum() for _ in range(SERIES))
            label = f"variance ratio, q = {q}, of phi = {phi} in the interval of 2,000 ticks, %"
            figures[label] = in_interval(walks, measure, truth)
    return figures


def of_hurst_under_the_law(rng: np.random.Generator, closes: FloatMatrix) -> Figures:
    """Return the coverage of H of an infinite series and of windows ten times longer."""
    rows = {f"{n:,} ticks": law_path(SERIES * n, rng)[0].reshape(-1, n) for n in TICKS}
    rows[f"{CLOSES:,} closes"] = closes
    rows["2,000 closes, one tick a minute"] = law_path(SERIES * 2_000, rng, interval_s=60)[
        0
    ].reshape(-1, 2_000)
    figures: Figures = {}
    for label, windows in rows.items():
        path, largest = joined(windows), (windows.shape[1] - 1) // 2
        for corrected in (False, True):
            measure = partial(hurst_exponent, corrected=corrected)
            truth = measure(path, max_window=largest).value
            measured = f"H{', corrected' if corrected else ''}, of the law, {label}"
            figures[f"{measured}: value of an infinite series in the interval, %"] = in_interval(
                windows, measure, truth
            )
        width = LONGER * (windows.shape[1] - 1)
        long = path[: SERIES // LONGER * width].reshape(-1, width)
        for corrected in (False, True):
            measured = f"H{', corrected' if corrected else ''}, of the law, {label}"
            figures[f"{measured}: value of a ten times longer window in the interval, %"] = (
                of_longer(long, corrected)
            )
    return figures


def of_longer(rows: FloatMatrix, corrected: bool) -> float:
    """Return the share of intervals of row tenths that contain the value of the whole row."""
    held = []
    for row in rows:
        value = hurst_exponent(row, corrected=corrected).value
        found = (hurst_exponent(tenth, corrected=corrected) for tenth in np.split(row, LONGER))
        held += [contains(each.interval, value) for each in found]
    return share(held)


def of_hurst(rng: np.random.Generator, corrected: bool) -> Figures:
    figures: Figures = {}
    for exponent in EXPONENTS:
        noise = fractional_gaussian_noise(exponent, INCREMENTS, SERIES, rng)
        found = [hurst_exponent(row, corrected=corrected) for row in noise.cumsum(axis=1)]
        intervals = [each.interval for each in found]
        values = np.array([each.value for each in found], dtype=float)
        mean = float(values.mean())
        label = f"H = {exponent}{', corrected' if corrected else ''}"
        figures |= {
            f"{label}: in the interval of {INCREMENTS:,} closes, %": share(
                contains(interval, exponent) for interval in intervals
            ),
            f"{label}: mean of the estimate in the interval, %": share(
                contains(interval, mean) for interval in intervals
            ),
            f"{label}: value of a ten times longer window in the interval, %": of_longer(
                fractional_gaussian_noise(
                    exponent, LONGER * INCREMENTS, SERIES // LONGER, rng
                ).cumsum(axis=1),
                corrected,
            ),
            f"{label}: bias and deviation": f"{mean - exponent:+.3f}, {values.std():.3f}",
        }
    return figures


def in_band(series: Iterable[np.ndarray], measure: Measure) -> float:
    found = [measure(each) for each in series]
    return share(contains(each.null_band, each.value) for each in found)


def in_interval(series: Iterable[np.ndarray], measure: Measure, truth: float | None) -> float:
    return share(contains(measure(each).interval, truth) for each in series)


def contains(interval: Interval | None, value: float | None) -> bool:
    return interval is not None and value is not None and interval[0] <= value <= interval[1]


def share(held: Iterable[bool] | Sequence[bool]) -> float:
    return round(100 * float(np.mean(list(held))), 1)


if __name__ == "__main__":
    main()
