"""Registry of what candles are made of: quotes, trades. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from market.candles import Candles, Fields, coarsen
from market.kinds import Kind, Table


@dataclass(frozen=True)
class Aggregation:
    """Candles of the records of `kind`; closed ones are stored in `table`.

    `table` has the fields instrument, timeframe (seconds) and those of a candle. `pieces` returns a
    candle of each record, from its `fields`.
    """

    kind: Kind
    table: Table
    fields: tuple[str, ...]
    pieces: Callable[[Fields], Candles]

    @cached_property
    def dtype(self) -> np.dtype[np.void]:
        """The dtype of one candle."""
        names = [name for name in self.table.dtype.names or () if name not in IDENTITY]
        return np.dtype([(name, self.table.dtype[name]) for name in names])

    def candles(self, records: Fields, timeframe_s: int) -> Candles:
        """Return the candles of one instrument's ascending records."""
        return coarsen(self.pieces(records), timeframe_s)


IDENTITY = ("instrument", "timeframe")
_aggregations: dict[str, Aggregation] = {}


def register(aggregation: Aggregation) -> None:
    """Make candles of a kind known under the name of the kind."""
    _aggregations[aggregation.kind.name] = aggregation


def find(name: str) -> Aggregation:
    return _aggregations[name]


def names() -> tuple[str, ...]:
    """Return the names of the kinds that have candles, in order of registration."""
    return tuple(_aggregations)
