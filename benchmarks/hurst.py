"""The Hurst exponent compared with nolds and with a pool of plain Python processes."""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import log

import nolds
import numpy as np

from benchmarks.harness import report
from benchmarks.timing import best_ms, in_new_process, versions
from indicators.hurst import hurst_exponent, rolling_hurst
from indicators.variance_ratio import variance_ratio

N = 1_000_000
MINUTES_OF_A_YEAR = 525_600
FIRST_CALL = """if True:
    import time
    import numpy as np
    start = time.perf_counter()
    from indicators.hurst import hurst_exponent
    imported = time.perf_counter()
    hurst_exponent(np.random.default_rng(1).normal(size=2000).cumsum())
    print(imported - start, time.perf_counter() - imported)
"""
LARGE = """if True:
    import resource, time
    import numpy as np
    from indicators.hurst import hurst_exponent
    closes = np.random.default_rng(1).standard_normal(100_000_000)
    closes.cumsum(out=closes)
    start = time.perf_counter()
    assert hurst_exponent(closes).value > 0
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def plain_mean_rs(increments: list[float], w: int) -> float:
    """Return mean R/S for one window size, in plain Python as in the source system."""
    quotients: list[float] = []
    for start in range(0, len(increments) - w + 1, w):
        chunk = increments[start : start + w]
        mean = sum(chunk) / w
        total = high = low = squares = 0.0
        for x in chunk:
            total += x - mean
            high, low = max(high, total), min(low, total)
            squares += (x - mean) ** 2
        if squares > 0:
            quotients.append((high - low) / (squares / w) ** 0.5)
    return sum(quotients) / len(quotients)


def plain_hurst(pool: ProcessPoolExecutor, increments: list[float], windows: list[int]) -> float:
    means = list(pool.map(partial(plain_mean_rs, increments), windows))
    return float(np.polyfit([log(w) for w in windows], [log(mean) for mean in means], 1)[0])


def main() -> None:
    closes = np.random.default_rng(1).normal(size=N + 1).cumsum()
    figures: dict[str, object] = {"peers": versions("nolds", "numba"), "increments": N}
    figures |= beside_nolds(closes)
    figures |= beside_the_source(closes[:100_001])
    year = closes[:MINUTES_OF_A_YEAR]
    times = best_ms(
        {
            "60": lambda: rolling_hurst(year, 2_000, 60),
            "1": lambda: rolling_hurst(year, 2_000, 1),
            "variance": lambda: variance_ratio(closes, 5),
        },
        rounds=2,
    )
    figures["rolling over a year of minutes, step 60, s"] = round(times["60"] / 1000, 2)
    figures["rolling over a year of minutes, step 1, s"] = round(times["1"] / 1000, 2)
    figures["variance ratio of a million increments, ms"] = times["variance"]
    import_s, first_s = np.min([in_new_process(FIRST_CALL) for _ in range(3)], axis=0)
    figures["import of indicators.hurst, s (target < 0.5)"] = round(float(import_s), 2)
    figures["first call with a warm cache, s (target < 1)"] = round(float(first_s), 2)
    seconds, gigabytes = in_new_process(LARGE)
    figures["100,000,000 closes, s"] = round(seconds, 2)
    figures["  peak memory of it with its closes, GB (target < 3)"] = round(gigabytes, 2)
    report("hurst", figures)


def beside_nolds(closes: np.ndarray) -> dict[str, object]:
    windows = hurst_exponent(closes).windows
    increments = np.diff(closes)

    def theirs() -> float:
        found: float = nolds.hurst_rs(
            increments, nvals=windows, corrected=False, unbiased=False, fit="poly"
        )
        return found

    assert abs(theirs() - value_of(closes)) < 1e-9
    times = best_ms(
        {
            "nolds": theirs,
            "one thread": lambda: hurst_exponent(closes, num_workers=1),
            "default": lambda: hurst_exponent(closes),
        },
        rounds=5,
    )
    return {
        "20 windows: nolds, ms": times["nolds"],
        "20 windows: PyTrade in one thread, ms": times["one thread"],
        "20 windows: PyTrade, ms": times["default"],
        "times faster than nolds (target > 20)": round(times["nolds"] / times["default"], 1),
    }


def beside_the_source(closes: np.ndarray) -> dict[str, object]:
    procs = max(1, (os.cpu_count() or 1) - 1)
    found = hurst_exponent(closes)
    assert found.windows is not None
    windows, plain = found.windows.tolist(), np.diff(closes).tolist()
    with ProcessPoolExecutor(procs) as pool:
        times = best_ms(
            {
                "plain": lambda: plain_hurst(pool, plain, windows),
                "PyTrade": lambda: hurst_exponent(closes),
            },
            rounds=3,
        )
        assert abs(plain_hurst(pool, plain, windows) - value_of(closes)) < 1e-9
    return {
        f"100,000 increments: plain Python in a pool of {procs} processes, ms": times["plain"],
        "100,000 increments: PyTrade, ms": times["PyTrade"],
        "100,000 increments: times faster (target > 100)": round(times["plain"] / times["PyTrade"]),
    }


def value_of(closes: np.ndarray) -> float:
    return hurst_exponent(closes).value or 0.0


if __name__ == "__main__":
    main()
