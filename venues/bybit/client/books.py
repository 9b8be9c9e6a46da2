"""Whether messages of an order book are complete. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice
from venues.feeds.events import Delta, Level, Snapshot, count
from venues.feeds.numbering import Numbering, SkippedError

SIDES: Final = (("b", BUY), ("a", SELL))


class BookCheck:
    """Turns messages of one depth into snapshots and deltas.

    `u` counts the messages of a depth; 1 is a snapshot whatever its type, after a restart of the
    venue. `seq` is the time of the venue's engine and never goes back.
    """

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._numbering = Numbering()
        self._sequence = 0

    def forget(self) -> None:
        """Expect a snapshot; deltas that arrive before it are left out."""
        self._numbering.forget()

    def take(self, message: Mapping[str, Any]) -> Snapshot | Delta | None:
        """Return what a message says, None if it is to be left out; raise SkippedError."""
        data = message["data"]
        update, sequence = int(data["u"]), int(data["seq"])
        at = int(message.get("cts", message["ts"])) * 1_000
        if message["type"] == "snapshot" or update == 1:
            self._numbering.begin(update)
            self._sequence = sequence
            return Snapshot(at, self._levels(data))
        if not self._numbering.follow(update):
            return None
        if sequence < self._sequence:
            raise SkippedError(f"sequence {sequence} follows {self._sequence}")
        self._sequence = sequence
        return Delta(at, self._levels(data))

    def _levels(self, data: Mapping[str, Any]) -> list[Level]:
        prices, sizes = self._lattice.tick_size, self._lattice.lot_size
        return [
            Level(side, count(prices, price, "price"), count(sizes, size, "size"))
            for name, side in SIDES
            for price, size in data[name]
        ]
