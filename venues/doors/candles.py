"""Stored candles from which a door makes those of its venue."""

import numpy as np

from archive.instruments import Newest
from instruments.models import Instrument
from market.aggregations import Aggregation
from market.candles import Candles
from market.timeframes import MICROSECONDS, opened_at
from quotes.http.history import candles_until


def fine_candles(
    instrument: Instrument,
    timeframe_s: int,
    first: int,
    last: int,
    length_s: int,
    newest: Newest,
    of: Aggregation,
) -> Candles:
    """Return the candles of a stored timeframe that those of `length_s` are made of.

    The latter open from `first` to `last` (microseconds), both inclusive.
    """
    until = last + length_s * MICROSECONDS
    most = (until - first) // (timeframe_s * MICROSECONDS) + 1
    page = candles_until(
        instrument, newest, timeframe_s, opened_at(first, timeframe_s), until, most, of
    )
    columns = page.columns
    rows = np.empty(len(columns), of.dtype)
    for name in of.dtype.names or ():
        rows[name] = columns[name]
    return rows
