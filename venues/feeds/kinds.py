"""The kinds of records that only feeds make. Pure.

Trades, quotes and books of a feed are the kinds of the exchange: every chart, measure and endpoint
reads them. These two say how complete they are.
"""

from enum import IntEnum
from typing import Final

import numpy as np

from market.kinds import SEQ, Column, Kind, Rows, Unit, record_dtype


class Of(IntEnum):
    """What a gap is in."""

    TRADES = 1
    BOOK = 2


class Cause(IntEnum):
    NOT_RUNNING = 1
    DISCONNECTED = 2
    SKIPPED = 3
    """Numbers of messages were missing, or did not rise."""
    REFUSED = 4
    """The venue did not answer requests for the past."""


def check_gaps(rows: Rows) -> None:
    """Raise ValueError for a gap that ends before it begins."""
    if (wrong := rows["began_at"] > rows["at"]).any():
        row = rows[int(np.argmax(wrong))]
        raise ValueError(
            f"gap {row['seq']} begins at {row['began_at']}, after its end at {row['at']}"
        )


def check_minutes(rows: Rows) -> None:
    """Raise ValueError for a candle whose low is above its high, or below one tick."""
    ends = np.stack([rows["open"], rows["close"]])
    wrong = (rows["low"] < 1) | (ends.min(0) < rows["low"]) | (ends.max(0) > rows["high"])
    if wrong.any():
        row = rows[int(np.argmax(wrong))]
        raise ValueError(
            f"candle {row['seq']} has open {row['open']}, high {row['high']}, low {row['low']} "
            f"and close {row['close']} ticks: use 1 <= low <= open, close <= high"
        )


FEED_GAPS: Final = Kind(
    name="feed_gaps",
    dtype=record_dtype(  # `at` is the end
        ("began_at", np.int64),
        ("stream", np.int64),
        ("cause", np.int64),
    ),
    table="feeds_feedgap",
    columns=(
        SEQ,
        Column("of", "stream", Unit.NAME, tuple((each.value, each.name.lower()) for each in Of)),
        Column(
            "cause", "cause", Unit.NAME, tuple((each.value, each.name.lower()) for each in Cause)
        ),
        Column("began_at", "began_at", Unit.TIME),
        Column("ended_at", "at", Unit.TIME),
    ),
    clock="monotone",
    frame="feed_gaps",
    check=check_gaps,
)
VENUE_CANDLES: Final = Kind(
    name="venue_candles",
    dtype=record_dtype(  # `at` is the opening
        ("open", np.int64),
        ("high", np.int64),
        ("low", np.int64),
        ("close", np.int64),
        ("lots", np.int64),
    ),
    table="feeds_venuecandle",
    columns=(
        SEQ,
        Column("opened_at", "at", Unit.TIME),
        *(Column(name, name, Unit.PRICE) for name in ("open", "high", "low", "close")),
        Column("volume", "lots", Unit.QUANTITY),
    ),
    frame="venue_candles",
    check=check_minutes,
)
