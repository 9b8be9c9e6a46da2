"""The tick: one structured dtype for every stage of the live path."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TICK = np.dtype(
    [
        ("instrument", np.int64),  # primary key of the instrument
        ("seq", np.int64),  # 1, 2, 3 ... per instrument
        ("at", np.int64),  # microseconds since 1970-01-01 UTC
        ("ticks", np.int64),  # price in ticks
    ]
)
Ticks = NDArray[np.void]


class Tick(NamedTuple):
    """One tick, with the fields and units of TICK."""

    instrument: int
    seq: int
    at: int
    ticks: int


def tick_array(
    instrument: int, seq: NDArray[np.int64], at: NDArray[np.int64], ticks: NDArray[np.int64]
) -> Ticks:
    """Return the ticks of one instrument as one array of dtype TICK, shape (n,)."""
    array = np.empty(len(seq), dtype=TICK)
    array["instrument"] = instrument
    array["seq"] = seq
    array["at"] = at
    array["ticks"] = ticks
    return array
