"""All measures of many series of the same length at once."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from indicators.catalogue import CATALOGUE
from indicators.estimate import Estimate, FloatMatrix
from indicators.sharedpool import is_pool_ready, pool
from indicators.threads import processors

HANDING: Final = 0.008
"""Microseconds to hand one close to the processes."""
ANSWERING: Final = 12.0
"""Microseconds to get one estimate back."""
LEAST_WORK: Final = 10_000.0
GAIN: Final = 0.75
"""Processes are used when they need at most this share of the time that this one would need."""

Wanted = Sequence[tuple[str, Mapping[str, Any]]]
"""Names of measures and their parameters."""


def scan(matrix: FloatMatrix, wanted: Wanted, workers: int | None = None) -> list[list[Estimate]]:
    """Return, per row of `matrix` (series x closes), the estimate of each wanted measure.

    What a measure does in Python, and not in its kernel, holds the interpreter's lock: here
    processes win over threads. `workers` None: processes where `pays` says so, from the moment on
    when they have started; 1: this process alone.
    """
    rows = matrix.shape[0]
    if workers == 1 or (workers is None and not pays(matrix, wanted, processors())):
        return measure_rows(matrix, 0, rows, wanted)
    if workers is None and not is_pool_ready(workers, __name__):
        found = measure_rows(matrix, 0, rows, wanted)
        pool(workers, __name__)  # starts before it is needed
        return found
    shared = pool(workers, __name__)
    bounds = np.linspace(0, rows, 2 * shared.size + 1).astype(int).tolist()
    parts = [(begin, end, wanted) for begin, end in pairwise(bounds)]
    answers = shared.map("indicators.scanning:measure_rows", matrix, parts)
    return [estimates for answer in answers for estimates in answer]


def pays(matrix: FloatMatrix, wanted: Wanted, processes: int) -> bool:
    """Return whether `processes` are faster than this one: mostly for Hurst exponents."""
    rows, closes = matrix.shape
    costs = [CATALOGUE[name].cost for name, _ in wanted]
    alone = rows * sum(cost.fixed + cost.per_point * closes for cost in costs)
    shared = alone / processes + rows * (closes * HANDING + len(costs) * ANSWERING)
    return alone > LEAST_WORK and shared < GAIN * alone


def measure_rows(matrix: FloatMatrix, begin: int, end: int, wanted: Wanted) -> list[list[Estimate]]:
    return [
        [CATALOGUE[name].compute(row, **parameters) for name, parameters in wanted]
        for row in matrix[begin:end]
    ]
