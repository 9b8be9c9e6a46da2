"""Whether messages of an order book are complete. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice
from venues.deribit.client.parsing import steps
from venues.feeds.events import Delta, Level, Snapshot, count

SIDES: Final = (("bids", BUY), ("asks", SELL))
DELETE: Final = "delete"


class SkippedError(Exception):
    """Messages are missing: the book must be read again."""


class BookCheck:
    """Turns messages of a book into snapshots and deltas.

    Each change names the message before it: `prev_change_id` is the `change_id` of that one.
    """

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._change: int | None = None
        """`change_id` of the last message; None before a snapshot."""

    def forget(self) -> None:
        """Expect a snapshot; changes that arrive before it are left out."""
        self._change = None

    def take(self, data: Mapping[str, Any]) -> Snapshot | Delta | None:
        """Return what a message says, None if it is to be left out; raise SkippedError."""
        at, change = int(data["timestamp"]) * 1_000, int(data["change_id"])
        if data["type"] == "snapshot":
            self._change = change
            return Snapshot(at, self._levels(data))
        if self._change is None:
            return None
        if (before := int(data["prev_change_id"])) != self._change:
            raise SkippedError(f"change {change} follows {before}, the last one was {self._change}")
        self._change = change
        return Delta(at, self._levels(data))

    def _levels(self, data: Mapping[str, Any]) -> list[Level]:
        prices, amounts = self._lattice.tick_size, self._lattice.lot_size
        return [
            Level(
                side,
                count(prices, str(price), "price"),
                0 if action == DELETE else steps(amount, amounts),
            )
            for name, side in SIDES
            for action, price, amount in data[name]
        ]
