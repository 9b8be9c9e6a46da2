"""Permutation entropy compared with antropy, ordpy, neurokit2 and a pool of plain Python."""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import antropy
import neurokit2
import numpy as np
import ordpy

from benchmarks import sourcepool
from benchmarks.harness import report
from benchmarks.timing import best_ms, in_new_process, versions
from indicators.entropy import permutation_entropy, rolling_entropy

N = 1_000_000
MINUTES_OF_A_YEAR = 525_600
FIRST_CALL = """if True:
    import time
    import numpy as np
    start = time.perf_counter()
    from indicators.entropy import permutation_entropy
    imported = time.perf_counter()
    permutation_entropy(np.linspace(0, 1, 2000))
    print(imported - start, time.perf_counter() - imported)
"""
LARGE = """if True:
    import resource, time
    import numpy as np
    from indicators.entropy import permutation_entropy
    closes = np.random.default_rng(1).integers(-8, 9, 100_000_000).cumsum()
    start = time.perf_counter()
    assert permutation_entropy(closes, m=5).value > 0
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def main() -> None:
    closes = np.random.default_rng(1).normal(size=N).cumsum()
    figures: dict[str, object] = {
        "peers": versions("antropy", "ordpy", "neurokit2", "numba"),
        "closes": N,
    }
    for m in (3, 5):
        figures |= beside_antropy(closes, m)
    figures |= beside_slow_peers(closes[:100_000])
    figures |= beside_the_source(closes[:100_000])
    figures |= rolling(closes[:MINUTES_OF_A_YEAR])
    import_s, first_s = np.min([in_new_process(FIRST_CALL) for _ in range(3)], axis=0)
    figures["import of indicators.entropy, s (target < 0.5)"] = round(float(import_s), 2)
    figures["first call with a warm cache, s (target < 1)"] = round(float(first_s), 2)
    seconds, gigabytes = in_new_process(LARGE)
    figures["100,000,000 closes, m = 5, s"] = round(seconds, 2)
    figures["  peak memory of it with its closes, GB (target < 3)"] = round(gigabytes, 2)
    report("entropy", figures)


def beside_antropy(closes: np.ndarray, m: int) -> dict[str, object]:
    times = best_ms(
        {
            "antropy": lambda: antropy.perm_entropy(closes, order=m, normalize=True),
            "one thread": lambda: permutation_entropy(closes, m=m, workers=1),
            "default": lambda: permutation_entropy(closes, m=m),
        }
    )
    return {
        f"m = {m}: antropy, ms": times["antropy"],
        f"m = {m}: PyTrade in one thread, ms": times["one thread"],
        f"m = {m}: PyTrade, ms": times["default"],
        f"m = {m}: times faster than antropy (target > 10)": round(
            times["antropy"] / times["default"], 1
        ),
    }


def beside_slow_peers(closes: np.ndarray) -> dict[str, object]:
    times = best_ms(
        {
            "ordpy": lambda: ordpy.permutation_entropy(closes, 3),
            "neurokit2": lambda: neurokit2.entropy_permutation(closes, delay=1, dimension=3),
            "PyTrade": lambda: permutation_entropy(closes),
        },
        rounds=2,
    )
    value = permutation_entropy(closes).value
    theirs = neurokit2.entropy_permutation(closes, delay=1, dimension=3, corrected=True)[0]
    assert abs(value - theirs) < 1e-12
    return {f"100,000 closes, m = 3: {name}, ms": time for name, time in times.items()}


def beside_the_source(closes: np.ndarray) -> dict[str, object]:
    procs = max(1, (os.cpu_count() or 1) - 1)
    plain = closes.tolist()
    with ProcessPoolExecutor(procs) as pool:
        times = best_ms(
            {
                "plain": lambda: sourcepool.entropy(pool, plain, 3, 1, procs),
                "PyTrade": lambda: permutation_entropy(closes),
            },
            rounds=3,
        )
        assert abs(sourcepool.entropy(pool, plain, 3, 1, procs) - value_of(closes)) < 1e-12
    return {
        f"100,000 closes: plain Python in a pool of {procs} processes, ms": times["plain"],
        "100,000 closes: times faster (target > 100)": round(times["plain"] / times["PyTrade"]),
    }


def value_of(closes: np.ndarray) -> float:
    return permutation_entropy(closes).value or 0.0


def rolling(closes: np.ndarray) -> dict[str, object]:
    times = best_ms({str(m): partial(rolling_entropy, closes, 2_000, m=m) for m in (3, 5, 7)})
    return {
        f"rolling over a year of minutes, m = {m}: ns per close (target < 200)": round(
            time * 1e6 / closes.size, 1
        )
        for m, time in times.items()
    }


if __name__ == "__main__":
    main()
