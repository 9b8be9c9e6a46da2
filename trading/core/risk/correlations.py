"""Correlations of returns, which say what gains and loses together."""

from collections.abc import Mapping
from datetime import datetime
from itertools import combinations
from typing import Final

import numpy as np

FEWEST_RETURNS: Final = 30


def correlations(closes: Mapping[str, Mapping[datetime, int]]) -> dict[frozenset[str], float]:
    """Return Pearson's correlation of the price changes of each pair of symbols.

    `closes`: prices by time, which are compared at the times that both have. Pairs with fewer than
    FEWEST_RETURNS common changes, or of which one never changed, are left out.
    """
    found = {}
    for one, other in combinations(sorted(closes), 2):
        common = sorted(closes[one].keys() & closes[other].keys())
        first, second = (np.diff([closes[each][at] for at in common]) for each in (one, other))
        if len(first) >= FEWEST_RETURNS and np.ptp(first) and np.ptp(second):
            found[frozenset((one, other))] = float(np.corrcoef(first, second)[0, 1])
    return found
