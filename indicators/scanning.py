"""All measures of many series of the same length at once."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from indicators.entropy import permutation_entropy
from indicators.estimate import Estimate, FloatMatrix
from indicators.hurst import hurst_exponent
from indicators.persistence import persistence
from indicators.sharedpool import pool
from indicators.variance_ratio import variance_ratio

MEASURES: Final = {
    "hurst": hurst_exponent,
    "entropy": permutation_entropy,
    "persistence": persistence,
    "variance_ratio": variance_ratio,
}
POOLED_ROWS: Final = 200
"""From so many series on the processes pay: below, sending them the work costs more."""

Wanted = Sequence[tuple[str, Mapping[str, Any]]]
"""Names of measures and their parameters."""


def scan(matrix: FloatMatrix, wanted: Wanted, workers: int | None = None) -> list[list[Estimate]]:
    """Return, per row of `matrix` (series x closes), the estimate of each wanted measure.

    What a measure does in Python, and not in its kernel, holds the interpreter's lock: here
    processes win over threads. `workers` None: processes where that is faster, from the moment
    on when they have started; 1: this process alone.
    """
    rows = matrix.shape[0]
    if workers == 1 or (workers is None and rows < POOLED_ROWS):
        return measure_rows(matrix, 0, rows, wanted)
    shared = pool(workers, __name__)
    if workers is None and not shared.is_ready:
        return measure_rows(matrix, 0, rows, wanted)
    bounds = np.linspace(0, rows, 2 * shared.size + 1).astype(int).tolist()
    parts = [(begin, end, wanted) for begin, end in pairwise(bounds)]
    found = shared.map("indicators.scanning:measure_rows", matrix, parts)
    return [estimates for part in found for estimates in part]


def measure_rows(matrix: FloatMatrix, begin: int, end: int, wanted: Wanted) -> list[list[Estimate]]:
    return [
        [MEASURES[name](row, **parameters) for name, parameters in wanted]  # type: ignore[operator]
        for row in matrix[begin:end]
    ]
