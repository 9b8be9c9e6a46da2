"""Batches of records that wait for the end of their minute. Pure."""

import numpy as np

from market.kinds import Rows

Batches = tuple["Batches", Rows] | None
"""A batch and the ones before it: adding one costs the same however many there are, and copies of
a state share them."""


def joined(batches: Batches) -> Rows:
    """Return the records of at least one batch of the same dtype in the order they were added."""
    found: list[Rows] = []
    while batches is not None:
        batches, newest = batches
        found.append(newest)
    found.reverse()
    # np.concatenate converts structured arrays field by field: 3 microseconds for each batch.
    return np.frombuffer(b"".join([batch.tobytes() for batch in found]), found[0].dtype)
