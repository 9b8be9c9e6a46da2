"""The records that the price law makes: quotes, and the candles derived from them. Pure."""

from typing import Final

import numpy as np

from market.candles import CANDLE
from market.kinds import AT, SEQ, Column, Kind, Table, Unit
from market.ticks import TICK

STORED_CANDLE: Final = np.dtype([("instrument", np.int64), ("timeframe", np.int32), *CANDLE.descr])
"""A candle as it is stored: with its instrument's key and its timeframe in seconds."""

QUOTES: Final = Kind(
    name="quotes",
    dtype=TICK,
    table="quotes_quote",
    clock="strict",
    frame="ticks",
    columns=(SEQ, AT, Column("price", "ticks", Unit.PRICE)),
)
CANDLES: Final = Table(
    name="candles",
    dtype=STORED_CANDLE,
    table="quotes_candle",
    columns=(
        Column("opened_at", "opened_at", Unit.TIME),
        Column("open", "open", Unit.PRICE),
        Column("high", "high", Unit.PRICE),
        Column("low", "low", Unit.PRICE),
        Column("close", "close", Unit.PRICE),
        Column("count", "count"),
        Column("first_seq", "first_seq"),
        Column("last_seq", "last_seq"),
    ),
)
