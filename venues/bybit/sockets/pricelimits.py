"""The topics priceLimit.SYMBOL: how far from the mark price an order's limit may be."""

from typing import Any, Final

from exchange.clearing.entry import band
from exchange.engine.messages import BUY, SELL
from live.cutting import made
from live.frames import Publication
from venues.bybit.listed import Listed
from venues.bybit.numbers import optional_price
from venues.doors.clock import now_ms
from venues.doors.markprices import TOPIC, Mark
from venues.doors.publishers import Pace, Publisher

INTERVAL_S: Final = 0.3


class PriceLimits(Publisher):
    """Follows the mark price."""

    def __init__(self, name: str, listed: Listed) -> None:
        super().__init__(name)
        self._listed = listed
        self._mark = Mark(listed.lattice)
        self._pace = Pace(INTERVAL_S, self._push)

    async def open(self) -> None:
        await self.follow_newest(f"{TOPIC}.{self._listed.name}")

    async def close(self) -> None:
        self._pace.stop()
        await super().close()

    def deliver(self, publication: Publication) -> None:
        if self._mark.take(publication):
            self._pace.touch()

    def first(self) -> tuple[Publication, ...]:
        return (made(self._message(), 0, 0, topic=self.name),) if self._mark.ticks else ()

    def _push(self) -> None:
        self.send(self._message())

    def _message(self) -> dict[str, Any]:
        highest, lowest = (band(side, self._mark.ticks) for side in (BUY, SELL))
        lattice = self._listed.lattice
        return {
            "topic": self.name,
            "ts": now_ms(),
            "data": {
                "symbol": self._listed.name,
                "buyLmt": optional_price(lattice, highest),
                "sellLmt": optional_price(lattice, lowest),
            },
        }
