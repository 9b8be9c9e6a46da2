"""The kinds of records of the quotes app. Pure."""

from typing import Final

import numpy as np

from market.aggregations import Aggregation
from market.candles import CANDLE, of_ticks
from market.kinds import AT, SEQ, Column, Kind, Rows, Table, Unit, record_dtype
from market.ticks import TICK
from quotes.law.randomwalk import LARGEST_PHI


def check_prices(rows: Rows) -> None:
    """Raise ValueError for a price below one tick."""
    if (wrong := rows["ticks"] < 1).any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"tick {rows['seq'][i]} has a price of {rows['ticks'][i]} ticks: use at least 1"
        )


def check_phi(rows: Rows) -> None:
    """Raise ValueError for a persistence outside the range of the law."""
    if (wrong := ~(np.abs(rows["phi"]) <= LARGEST_PHI)).any():
        i = int(np.argmax(wrong))
        phi = rows["phi"][i]
        raise ValueError(
            f"regime {rows['seq'][i]} has phi {phi}: use -{LARGEST_PHI} to {LARGEST_PHI}"
        )


QUOTES: Final = Kind(
    name="quotes",
    dtype=TICK,
    table="quotes_quote",
    columns=(SEQ, AT, Column("price", "ticks", Unit.PRICE)),
    frame="ticks",
    check=check_prices,
)
REGIMES: Final = Kind(
    name="regimes",
    dtype=record_dtype(("phi", np.float64), ("first_seq", np.int64)),
    table="quotes_regime",
    columns=(
        Column("phi", "phi", Unit.NUMBER),
        Column("started_at", "at", Unit.TIME),
        Column("first_seq", "first_seq"),
    ),
    frame="regime",
    single=True,
    check=check_phi,
)
CANDLES: Final = Table(
    name="candles",
    dtype=np.dtype([("instrument", np.int64), ("timeframe", np.int32), *CANDLE.descr]),
    table="quotes_candle",
    columns=(
        Column("opened_at", "opened_at", Unit.TIME),
        *(Column(name, name, Unit.PRICE) for name in ("open", "high", "low", "close")),
        *(Column(name, name) for name in ("count", "first_seq", "last_seq")),
    ),
)
QUOTE_CANDLES: Final = Aggregation(QUOTES, CANDLES, ("seq", "at", "ticks"), of_ticks)
