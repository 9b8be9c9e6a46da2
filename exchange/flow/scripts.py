"""What the participants of an episode do: timed messages to the engine.

A script knows the law's path in advance and therefore never depends on what accounts do. Its
orders only frame what the law does anyway: they cannot move it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from exchange.engine.messages import MESSAGE, Kind, TimeInForce
from exchange.kinds import EpisodeKind
from market.kinds import Rows

LEAD = 3
"""Slots of an episode before the run of the law that it may precede."""
RUN = 4
"""Steps in one direction that make a run."""
SLOTS = LEAD + RUN
WIDEST = 20
"""Ticks around the law's path in which scripts act."""
BURSTS_PER_SLOT = 8


@dataclass
class Script:
    """The messages of one episode.

    `prices`: the law's price before each of its slots; `begins`: when each begins. `side`: the
    direction in which the participants want to move the price, or pretend to. `first_id` of its
    orders. `uniform` draws.
    """

    prices: list[int]
    begins: list[int]
    interval: int
    side: int
    first_id: int
    uniform: Callable[[], float]
    messages: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)

    def moment(self, slot: int, share: float | None = None) -> int:
        """Return a time within a slot: after a share of it, or at random."""
        share = self.uniform() if share is None else share
        return self.begins[slot] + int(share * self.interval)

    def new(self, at: int, side: int, ticks: int, lots: int, tif: TimeInForce) -> int:
        """Send an order; return its id."""
        order_id = self.first_id + len(self.orders)
        self.orders.append(order_id)
        self._send(at, Kind.NEW, order_id, side, tif, ticks, lots)
        return order_id

    def replace(self, at: int, order_id: int, ticks: int, lots: int) -> None:
        self._send(at, Kind.REPLACE, order_id, 0, 0, ticks, lots)

    def cancel(self, at: int, order_id: int) -> None:
        self._send(at, Kind.CANCEL, order_id, 0, 0, 0, 0)

    def _send(
        self, at: int, kind: Kind, order_id: int, side: int, tif: int, ticks: int, lots: int
    ) -> None:
        self.messages.append((at, (kind, side, tif, order_id, 0, ticks, lots)))

    def batches(self) -> list[tuple[int, Rows]]:
        """Return the messages by time, ascending."""
        timed = sorted(self.messages, key=lambda message: message[0])
        return [
            (at, np.array([fields for _, fields in group], MESSAGE))
            for at, group in groupby(timed, key=lambda message: message[0])
        ]


def fake_depth(script: Script, distances: tuple[int, ...], lots: int) -> dict[str, Any]:
    """Show orders that are not meant to trade, and trade against the move that they suggest.

    For side BUY: large bids that follow the price at a distance where nobody reaches them, and one
    genuine order to sell two ticks above the price from which the run may begin. All are cancelled
    in the last slot.
    """
    side, prices, tif = script.side, script.prices, TimeInForce.POST_ONLY
    shown = script.moment(0)
    fakes = [script.new(shown, side, prices[0] - side * d, lots, tif) for d in distances]
    for slot in range(1, SLOTS):
        for order, distance in zip(fakes, distances, strict=True):
            script.replace(script.begins[slot], order, prices[slot] - side * distance, lots)
    ticks = prices[LEAD] + side * 2
    genuine = script.new(script.moment(LEAD - 1), -side, ticks, lots // 20, tif)
    over = script.moment(SLOTS - 1)
    for order in (*fakes, genuine):
        script.cancel(over, order)
    return {"lots": lots, "distances": list(distances), "genuine": [genuine], "fake": fakes}


def spoofing(script: Script) -> dict[str, Any]:
    return fake_depth(script, (3,), 1_000)


def layering(script: Script) -> dict[str, Any]:
    return fake_depth(script, (3, 4, 5, 6, 7), 300)


def iceberg(script: Script) -> dict[str, Any]:
    """Absorb: sell into one price again and again, where a hidden order shows the next slice."""
    side, lots = script.side, 30
    ticks = script.prices[0] - side
    slices, takers = [], []
    for slot in range(LEAD):
        for at in sorted(script.moment(slot) for _ in range(BURSTS_PER_SLOT)):
            slices.append(script.new(at, side, ticks, lots, TimeInForce.POST_ONLY))
            takers.append(script.new(at + 1, -side, ticks, lots, TimeInForce.IOC))
    for order in slices:
        script.cancel(script.moment(SLOTS - 1), order)
    return {"lots": lots, "ticks": ticks, "slices": slices, "takers": takers}


def quote_stuffing(script: Script) -> dict[str, Any]:
    """Place and cancel orders away from the price, hundreds within one slot."""
    lots, orders_per_burst, bursts = 5, 10, 5 * BURSTS_PER_SLOT
    shown: list[int] = []
    for at in sorted(script.moment(0) for _ in range(bursts)):
        for order in shown:
            script.cancel(at, order)
        shown = []
        for _ in range(orders_per_burst):
            ticks = script.prices[0] - script.side * (5 + int(script.uniform() * 10))
            shown.append(script.new(at, script.side, ticks, lots, TimeInForce.POST_ONLY))
    for order in shown:
        script.cancel(script.moment(1, 0), order)
    return {"lots": lots, "bursts": bursts}


def wash_trades(script: Script) -> dict[str, Any]:
    """Trade with oneself between the best prices: volume without a change of owner."""
    pairs = []
    for slot in range(LEAD + 1):
        for _ in range(BURSTS_PER_SLOT // 2):
            at, ticks = script.moment(slot), script.prices[slot]
            lots = 20 + int(script.uniform() * 80)
            maker = script.new(at, -script.side, ticks, lots, TimeInForce.POST_ONLY)
            taker = script.new(at, script.side, ticks, lots, TimeInForce.IOC)
            script.cancel(at, maker)
            pairs.append([maker, taker])
    return {"pairs": pairs}


SCRIPTS: dict[EpisodeKind, Callable[[Script], dict[str, Any]]] = {
    EpisodeKind.SPOOFING: spoofing,
    EpisodeKind.LAYERING: layering,
    EpisodeKind.ICEBERG: iceberg,
    EpisodeKind.QUOTE_STUFFING: quote_stuffing,
    EpisodeKind.WASH_TRADES: wash_trades,
}
DIRECTIONAL = (EpisodeKind.SPOOFING, EpisodeKind.LAYERING, EpisodeKind.ICEBERG)
"""Kinds that suggest a direction, and succeed if the law then runs in it."""
