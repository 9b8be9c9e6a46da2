"""Trades as samples for the measures: market orders, and slots. Pure.

A slot is the time between two quotes (docs/exchange.md). The last trade of a slot is at the new
quote, and belongs to the sweep that moves the price there.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exchange.flow.slotevents import STEPS, lanes
from indicators.estimate import BoolArray, IntArray
from market.kinds import Rows

TRADE: Final = np.dtype([(name, np.int64) for name in ("slot", "ticks", "lots", "side", "taker")])
"""What the measures read of a trade; `taker` is the order id of the aggressor."""

Trades = NDArray[np.void]


class Orders(NamedTuple):
    """Market orders in order, shape (n,): slot, side, price of the first fill, and lots."""

    slot: IntArray
    side: IntArray
    ticks: IntArray
    lots: IntArray


class Slots(NamedTuple):
    """Complete slots in order, shape (n,).

    `before`, `after`: the quote before and at the end. `side`, `ticks`: of the first market order,
    0 if there was none. `net_orders`, `net_lots`: market orders, bought less sold. `volume`: lots
    of all trades, with the sweep.
    """

    before: IntArray
    after: IntArray
    side: IntArray
    ticks: IntArray
    net_orders: IntArray
    net_lots: IntArray
    volume: IntArray


def trades_of(rows: Any) -> Trades:
    """Return rows that have the fields of TRADE as rows of TRADE; of no points, none."""
    trades = np.empty(len(rows), TRADE)
    for name in TRADE.names or ():
        trades[name] = rows[name] if len(rows) else 0
    return trades


def sweeps(trades: Rows) -> BoolArray:
    """Return whether each trade belongs to a sweep that ends its slot."""
    taker = trades["taker"]
    return np.asarray((taker > 0) & (lanes(taker) == STEPS))


def orders_of(trades: Trades) -> Orders:
    """Return the market orders: consecutive trades of one taker, without the sweeps.

    The side of a sweep is that of the price's next step: `persistence` measures those.
    """
    own = trades[~sweeps(trades)]
    begins = np.flatnonzero(np.diff(own["taker"], prepend=0))
    first = own[begins]
    lots = np.add.reduceat(own["lots"], begins) if begins.size else np.empty(0, np.int64)
    return Orders(first["slot"], first["side"], first["ticks"], lots)


def slots_of(trades: Trades) -> Slots:
    """Return the slots of which `trades` has every trade and the quote before.

    The slot of the first trade may have begun earlier, so it only tells the quote before the next.
    """
    is_last = np.diff(trades["slot"], append=-1) != 0
    if len(trades) and not sweeps(trades)[-1]:
        is_last[-1] = False  # its slot goes on
    ends = np.flatnonzero(is_last)
    numbers, quotes = trades["slot"][ends], trades["ticks"][ends]
    n = max(0, len(ends) - 1)
    whole = trades[ends[0] + 1 : ends[-1] + 1] if n else trades[:0]
    orders = orders_of(whole)
    of_order = np.searchsorted(numbers[1:], orders.slot)
    side, ticks = np.zeros((2, n), np.int64)
    first = np.flatnonzero(np.diff(of_order, prepend=-1))
    side[of_order[first]], ticks[of_order[first]] = orders.side[first], orders.ticks[first]
    of_trade = np.searchsorted(numbers[1:], whole["slot"])
    return Slots(
        before=quotes[:n],
        after=quotes[1:],
        side=side,
        ticks=ticks,
        net_orders=_sums(of_order, orders.side, n),
        net_lots=_sums(of_order, orders.side * orders.lots, n),
        volume=_sums(of_trade, whole["lots"], n),
    )


def _sums(places: IntArray, values: IntArray, n: int) -> IntArray:
    return np.bincount(places, values, n).astype(np.int64)
