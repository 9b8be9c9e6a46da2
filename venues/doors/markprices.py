"""The mark price in publications of the topics quotes.SYMBOL. Pure."""

from decimal import Decimal

import orjson

from instruments.lattice import Lattice
from live.frames import Publication

TOPIC = "quotes"


class Mark:
    """The newest quote; older ones, which may arrive after it, do not count."""

    def __init__(self, lattice: Lattice) -> None:
        self.ticks = 0
        self.at_ms = 0
        self._lattice = lattice
        self._seq = 0

    def take(self, publication: Publication) -> bool:
        """Accept a publication; return whether the price changed."""
        frame = orjson.loads(publication["text"])
        if frame["type"] != "ticks":
            return False
        seq, at_ms, price = frame["data"][-1]
        if seq <= self._seq:
            return False
        before, self._seq, self.at_ms = self.ticks, seq, at_ms
        self.ticks = self._lattice.ticks(Decimal(str(price)))
        return self.ticks != before
