"""Rows of the desk, taken from several streams at once. Pure."""

from typing import Any

import numpy as np

from market.kinds import Rows


def in_order(rows: Rows) -> Rows:
    """Return rows of several streams in the order in which the desk numbered them per account."""
    return rows[np.lexsort((rows["number"], rows["account"]))]


def last_of_each(rows: Rows, field: str) -> Rows:
    """Return the last row of each value of a field, in ascending order of the values."""
    _, from_end = np.unique(rows[field][::-1], return_index=True)
    return rows[len(rows) - 1 - from_end]


def sums_of(keys: Any, amounts: Any) -> list[tuple[int, int]]:
    """Return the sum of the amounts of each key, and the key."""
    found, index = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(found), dtype=np.int64)
    np.add.at(sums, index, amounts)
    return list(zip(sums.tolist(), found.tolist(), strict=True))
