"""Slow, obvious twins of the kernels."""

from itertools import permutations
from math import factorial, log

import numpy as np


def pattern_counts(series, m, tau):
    """Return the counts of ordinal patterns in the order of permutations, and how many tie."""
    series = list(series)
    order = {permutation: i for i, permutation in enumerate(permutations(range(m)))}
    counts = [0] * factorial(m)
    tied = 0
    for start in range(len(series) - (m - 1) * tau):
        vector = [series[start + k * tau] for k in range(m)]
        counts[order[tuple(sorted(range(m), key=lambda k: (vector[k], k)))]] += 1
        tied += len(set(vector)) < m
    return counts, tied


def normalised_entropy(counts):
    total = sum(counts)
    return sum(-c / total * log(c / total) for c in counts if c) / log(len(counts))


def mean_rs(increments, w):
    """Return the mean of R/S over the whole chunks of length w; None where none varies."""
    found = []
    for start in range(0, len(increments) - w + 1, w):
        chunk = np.array(increments[start : start + w])
        deviations = np.cumsum(chunk - chunk.mean())
        s = chunk.std()
        if s > 0:
            found.append((deviations.max() - deviations.min()) / s)
    return float(np.mean(found)) if found else None


def hurst(increments, windows):
    rs = {w: mean_rs(increments, w) for w in windows}
    x = [log(w) for w in windows if rs[w]]
    y = [log(rs[w]) for w in windows if rs[w]]
    return float(np.polyfit(x, y, 1)[0])
