"""Marks: what identifies a closed cluster and all before it, whatever database it came from. Pure.

Numbers and times repeat after a database was restored, and what follows may differ. A mark is a
digest of the cluster and of the mark before it, so equal marks mean equal histories.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import numpy as np

from orderflow.clusters import Integers

BITS: Final = 52
"""Numbers up to 2^53 are exact in JavaScript."""
_BYTES: Final = 8


def marks(
    before: int, opened: Integers, first_seq: Integers, last_seq: Integers, data: Sequence[bytes]
) -> Integers:
    """Return the marks of consecutive clusters; `before`: the mark before the first, 0 if none."""
    places = np.stack((opened, first_seq, last_seq), axis=1).astype("<i8")
    found = np.empty(len(data), np.int64)
    for i, each in enumerate(data):
        text = before.to_bytes(_BYTES, "little") + places[i].tobytes() + each
        digest = blake2b(text, digest_size=_BYTES).digest()
        before = int.from_bytes(digest, "little") >> (8 * _BYTES - BITS)
        found[i] = before
    return found
