"""The open cluster of a topic, continued by the trades that are published. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from instruments.lattice import Grid, Lattice
from orderflow.clusters import Clusters, Integers, joined, merged, of_trades
from orderflow.rowtexts import row_texts

MICROSECONDS: Final = 1_000
TRADE: Final = np.dtype([(name, np.int64) for name in ("seq", "at", "ticks", "lots", "side")])
SEQ, AT, PRICE, QUANTITY, SIDE = range(5)
"""Columns of a published trade."""


@dataclass
class OpenCluster:
    """An open cluster up to the trade `seq`; rows of `step` ticks.

    It follows `number` closed ones, and ends at `end` (microseconds since 1970 UTC).
    """

    lattice: Lattice
    step: int
    number: int
    seq: int
    end: int
    cluster: Clusters
    _added: list[Sequence[Any]] = field(default_factory=list)

    @property
    def price(self) -> float:
        """The price of the last trade."""
        if self._added:
            return float(self._added[-1][PRICE])
        return self.lattice.number(int(self.cluster["close"][0]))

    @property
    def row_size(self) -> float:
        return self.lattice.number(self.step)

    def add(self, rows: Sequence[Sequence[Any]]) -> bool:
        """Add published trades; return False if they do not continue this cluster.

        Trades that it has already are skipped. After a hole, or a trade after its end, the cluster
        must be read again.
        """
        new = [row for row in rows if row[SEQ] > self.seq]
        if not new:
            return True
        if new[0][SEQ] != self.seq + 1 or new[-1][AT] * MICROSECONDS >= self.end:
            return False
        self._added += new
        self.seq = new[-1][SEQ]
        return True

    def row(self) -> bytes:
        """Return the row of the API as JSON."""
        self._merge()
        return row_texts(self.cluster, self.step, self.lattice)[0]

    def _merge(self) -> None:
        if self._added:
            opened = int(self.cluster["opened_at"][0])
            trades = parsed(self._added, self.lattice)
            trades["at"] = opened  # all belong to this cluster, however long it is
            new = of_trades(trades, 1, self.step)
            self.cluster = merged(joined([self.cluster, new]), opened, self.step)
            self._added = []


def parsed(rows: Sequence[Sequence[Any]], lattice: Lattice) -> "np.ndarray[Any, np.dtype[np.void]]":
    """Return published trades as TRADE."""
    found = np.empty(len(rows), TRADE)
    seq, at, price, quantity, side = zip(*rows, strict=True)
    found["seq"], found["at"] = seq, np.array(at, np.int64) * MICROSECONDS
    found["ticks"] = counts(price, lattice.prices)
    found["lots"] = counts(quantity, lattice.quantities)
    found["side"] = [1 if each == "buy" else -1 for each in side]
    return found


def counts(numbers: Sequence[float], grid: Grid) -> Integers:
    """Return decimals, given as the nearest doubles, as multiples of a grid."""
    units = np.rint(np.array(numbers, np.float64) * grid.scale).astype(np.int64)
    return units // grid.units
