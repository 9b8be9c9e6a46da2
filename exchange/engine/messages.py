"""Messages to the matching engine and its reports. Pure, without Numba.

What the fields mean for each kind of message is in the docstring of exchange/matching.py.
"""

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


class Reason(IntEnum):
    """Why a message was rejected or an order cancelled."""

    NONE = 0
    UNKNOWN_KIND = 1
    UNKNOWN_SIDE = 2
    UNKNOWN_TIF = 3
    TICKS_OUT_OF_RANGE = 4
    LOTS_OUT_OF_RANGE = 5
    DUPLICATE_ID = 6
    NOT_RESTING = 7
    NOT_SMALLER = 8
    BOOK_FULL = 9
    WOULD_TAKE = 10
    NOT_FILLABLE = 11
    NOT_FILLED = 12
    SELF_TRADE = 13

    @property
    def text(self) -> str:
        return _TEXTS[self]


_TEXTS: Final = {
    Reason.NONE: "",
    Reason.UNKNOWN_KIND: "The kind must be NEW, CANCEL, REPLACE, REDUCE or MARKET.",
    Reason.UNKNOWN_SIDE: "The side must be BUY (1) or SELL (-1).",
    Reason.UNKNOWN_TIF: "The time in force must be GTC, IOC, FOK or POST_ONLY.",
    Reason.TICKS_OUT_OF_RANGE: "The price must be between 1 and 2^62 - 1 ticks.",
    Reason.LOTS_OUT_OF_RANGE: "The quantity must be between 1 and 2^40 lots.",
    Reason.DUPLICATE_ID: "An order with this id rests in the book.",
    Reason.NOT_RESTING: "No order with this id rests in the book.",
    Reason.NOT_SMALLER: "REDUCE must make the order smaller.",
    Reason.BOOK_FULL: "The book holds as many orders as it can.",
    Reason.WOULD_TAKE: "A post-only order must not be marketable.",
    Reason.NOT_FILLABLE: "The book cannot fill the whole order at its limit price.",
    Reason.NOT_FILLED: "What could not be filled at once was cancelled.",
    Reason.SELF_TRADE: "The order would have traded with another order of the same owner.",
}


class SelfTradePrevention(IntEnum):
    """Which of two orders of one owner is cancelled where they would trade with each other."""

    CANCEL_NEWEST = 0
    CANCEL_OLDEST = 1
    CANCEL_BOTH = 2


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
LEVEL: Final = np.dtype([("ticks", np.int64), ("lots", np.int64), ("orders", np.int64)])
