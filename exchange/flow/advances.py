"""What happened while a market advanced: the records of a bundle."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from exchange.engine.idtable import IntMatrix
from exchange.flow.state import FLOW_UPDATE, TRADE_COLUMNS
from exchange.kinds import EPISODES, FLOW, TRADES
from market.kinds import Rows
from market.ticks import TICK
from quotes.kinds import REGIMES


@dataclass(frozen=True, kw_only=True)
class Advance:
    """Rows in the order in which things happened."""

    quotes: Rows
    regimes: Rows
    trades: Rows
    updates: Rows
    """FLOW_UPDATE: every change of a level."""
    flow: Rows
    episodes: Rows

    def with_rows(self, **rows: Rows) -> Self:
        """Return the same advance with other rows of some kinds."""
        return replace(self, **rows)


EMPTY = Advance(
    quotes=np.empty(0, TICK),
    regimes=np.empty(0, REGIMES.dtype),
    trades=np.empty(0, TRADES.dtype),
    updates=np.empty(0, FLOW_UPDATE),
    flow=np.empty(0, FLOW.dtype),
    episodes=np.empty(0, EPISODES.dtype),
)


def joined(parts: Sequence[Advance]) -> Advance:
    """Return consecutive advances as one."""
    if len(parts) < 2:
        return parts[0] if parts else EMPTY
    names = [field.name for field in fields(Advance)]
    lists = {name: [getattr(part, name) for part in parts] for name in names}
    return Advance(**{name: np.concatenate(rows) for name, rows in lists.items()})


def trade_rows(instrument: int, columns: IntMatrix) -> Rows:
    """Return records of trades from an array of TRADE_COLUMNS."""
    if not len(columns):  # as in most steps of a live market
        return EMPTY.trades
    rows = np.empty(len(columns), TRADES.dtype)
    rows["instrument"] = instrument
    for i, name in enumerate(TRADE_COLUMNS):
        rows[name] = columns[:, i]
    return rows


def update_rows(columns: IntMatrix) -> Rows:
    return columns.copy().reshape(-1).view(FLOW_UPDATE)
