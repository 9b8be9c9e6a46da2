"""Messages to the matching engine and its reports. Pure, without Numba."""

from enum import IntEnum
from typing import Final

import numpy as np

BUY: Final = 1
SELL: Final = -1


class Kind(IntEnum):
    NEW = 0
    CANCEL = 1
    REPLACE = 2
    REDUCE = 3
    MARKET = 4


class TimeInForce(IntEnum):
    GTC = 0
    """Rests until it is filled or cancelled."""
    IOC = 1
    """What is not filled at once is cancelled."""
    FOK = 2
    """Is filled at once and as a whole, or rejected."""
    POST_ONLY = 3
    """Rests, or is rejected if it would take."""


class Outcome(IntEnum):
    ACCEPTED = 0
    FILLED = 1
    CANCELLED = 2
    REPLACED = 3
    REJECTED = 4


MESSAGE: Final = np.dtype(
    [
        ("kind", np.int64),
        ("side", np.int64),
        ("tif", np.int64),
        ("order_id", np.int64),
        ("owner", np.int64),
        ("ticks", np.int64),
        ("lots", np.int64),
    ]
)
REPORT: Final = np.dtype(
    [
        ("outcome", np.int64),
        ("message", np.int64),
        ("order_id", np.int64),
        ("maker_id", np.int64),
        ("side", np.int64),
        ("ticks", np.int64),
        ("lots", np.int64),
        ("reason", np.int64),
    ]
)
