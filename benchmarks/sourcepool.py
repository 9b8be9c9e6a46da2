"""The design of the source system: plain Python in a process pool, with pickled chunks."""

from concurrent.futures import ProcessPoolExecutor
from math import factorial, log


def count_patterns(chunk: list[float], m: int, tau: int) -> dict[tuple[int, ...], int]:
    counts: dict[tuple[int, ...], int] = {}
    for i in range(len(chunk) - (m - 1) * tau):
        vector = [chunk[i + k * tau] for k in range(m)]
        pattern = tuple(sorted(range(m), key=lambda k: (vector[k], k)))
        counts[pattern] = counts.get(pattern, 0) + 1
    return counts


def entropy(pool: ProcessPoolExecutor, closes: list[float], m: int, tau: int, procs: int) -> float:
    """Return the normalised permutation entropy; `pool` counts the patterns of each chunk."""
    last_start = len(closes) - (m - 1) * tau
    size = max(1, last_start // (procs * 4))
    chunks = [closes[i : i + size + (m - 1) * tau] for i in range(0, last_start, size)]
    chunks[-1] = chunks[-1][: last_start - (len(chunks) - 1) * size + (m - 1) * tau]
    total: dict[tuple[int, ...], int] = {}
    for counts in pool.map(count_patterns, chunks, [m] * len(chunks), [tau] * len(chunks)):
        for pattern, count in counts.items():
            total[pattern] = total.get(pattern, 0) + count
    shares = [count / last_start for count in total.values()]
    return -sum(p * log(p) for p in shares) / log(factorial(m))
