"""The topics publicTrade.SYMBOL and allLiquidation.SYMBOL."""

from abc import abstractmethod
from typing import Any

from live.frames import Publication
from venues.bybit.sockets.tape import (
    MOST_TRADES,
    TickDirection,
    liquidation_row,
    trade_row,
)
from venues.bybit.symbols import Symbol
from venues.doors import prints
from venues.doors.clock import now_ms
from venues.doors.prints import Print
from venues.doors.publishers import Publisher


class Trades(Publisher):
    """Follows the trades of an instrument, each of them once."""

    def __init__(self, name: str, symbol: Symbol) -> None:
        super().__init__(name)
        self.symbol = symbol

    async def open(self) -> None:
        await self.follow(f"{prints.TOPIC}.{self.symbol.name}")

    def deliver(self, publication: Publication) -> None:
        if trades := prints.trades_in(publication):
            self.take(trades)

    @abstractmethod
    def take(self, trades: tuple[Print, ...]) -> None:
        """Accept new trades."""


class PublicTrades(Trades):
    def __init__(self, name: str, symbol: Symbol) -> None:
        super().__init__(name, symbol)
        self._direction = TickDirection()

    def take(self, trades: tuple[Print, ...]) -> None:
        rows = [trade_row(self.symbol, each, self._direction.of(each.ticks)) for each in trades]
        for first in range(0, len(rows), MOST_TRADES):
            self.send(snapshot(self.name, rows[first : first + MOST_TRADES]))


class Liquidations(Trades):
    def take(self, trades: tuple[Print, ...]) -> None:
        rows = [liquidation_row(self.symbol, each) for each in trades if each.is_liquidation]
        if rows:
            self.send(snapshot(self.name, rows))


def snapshot(topic: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a message with rows of a topic that has no deltas."""
    return {"topic": topic, "type": "snapshot", "ts": now_ms(), "data": rows}
