"""Point of control and value area of clusters. Pure."""

from typing import Final, NamedTuple

import numpy as np

from exchange.engine.kernel import kernel
from orderflow.clusters import Clusters, Integers, Matrix

SHARE_PERCENT: Final = 70


class Areas(NamedTuple):
    """Of each cluster the prices of three rows, in ticks, each of shape (k,)."""

    poc: Integers
    low: Integers
    high: Integers


def areas(clusters: Clusters) -> Areas:
    """Return the row with the most volume, and the first and last row of the value area.

    Of rows with equal volume, the lowest is the point of control. The area grows from there: of the
    rows above and below, the one with more volume is added (of equal ones, the lower) until the
    area has at least 70 % of the volume. Rows without trades do not count.
    """
    found = np.empty((3, len(clusters)), np.int64)
    _areas(clusters.starts, np.ascontiguousarray(clusters.rows), found)
    return Areas(*found)


@kernel
def _areas(starts: Integers, rows: Matrix, found: Matrix) -> None:
    for i in range(found.shape[1]):
        first, last = starts[i], starts[i + 1] - 1
        total = most = np.int64(0)
        poc = first
        for j in range(first, last + 1):
            volume = rows[j, 1] + rows[j, 2]
            total += volume
            if volume > most:
                poc, most = j, volume
        low = high = poc
        area = most
        while area * 100 < total * SHARE_PERCENT:
            below = rows[low - 1, 1] + rows[low - 1, 2] if low > first else np.int64(-1)
            above = rows[high + 1, 1] + rows[high + 1, 2] if high < last else np.int64(-1)
            if above > below:
                high += 1
                area += above
            else:
                low -= 1
                area += below
        found[0, i], found[1, i], found[2, i] = rows[poc, 0], rows[low, 0], rows[high, 0]
