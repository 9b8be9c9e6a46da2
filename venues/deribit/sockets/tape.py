"""The channels trades and chart.trades."""

from collections.abc import Sequence
from typing import Any, Final

from live.frames import Publication
from live.reads import read
from market.timeframes import MICROSECONDS, opened_at
from venues.deribit import numbers
from venues.deribit.envelopes import news
from venues.deribit.listed import Listed
from venues.deribit.market.charts import candles
from venues.deribit.resolutions import RESOLUTIONS
from venues.deribit.sockets.feeds import Feed
from venues.deribit.traderows import TickDirection, Traded, trade_row
from venues.doors import markprices, prints
from venues.doors.markprices import Mark
from venues.doors.opencandles import Candle
from venues.doors.prints import Print
from venues.doors.publishers import Pace, Publisher

MOST_TRADES: Final = 1_000
"""In one message."""
CHART_S: Final = 1.0
LATEST: Final = 2**62


class Trades(Publisher):
    """The trades of some instruments, each once; `mark_price` is the newest that is known."""

    def __init__(self, name: str, listed: Sequence[Listed], interval_s: float) -> None:
        super().__init__(name)
        self._listed = {each.symbol: each for each in listed}
        self._marks = {each.symbol: Mark(each.lattice) for each in listed}
        self._directions = {each.symbol: TickDirection() for each in listed}
        self._waiting: list[dict[str, Any]] = []
        self._is_open = False
        self._pace = Pace(interval_s, self._push)

    async def open(self) -> None:
        for symbol in self._listed:
            await self.follow_newest(f"{markprices.TOPIC}.{symbol}")
            await self.follow_newest(f"{prints.TOPIC}.{symbol}")
        self._waiting.clear()  # the newest trade of each is there for the direction of the next
        self._is_open = True

    async def close(self) -> None:
        self._pace.stop()
        await super().close()

    def deliver(self, publication: Publication) -> None:
        kind, _, symbol = publication["topic"].partition(".")
        if kind == markprices.TOPIC:
            self._marks[symbol].take(publication)
            return
        contract, direction = self._listed[symbol].contract, self._directions[symbol]
        for each in prints.trades_in(publication):
            traded = Traded(*each[:5], self._marks[symbol].ticks, each.is_liquidation)
            self._waiting.append(trade_row(contract, traded, direction.of(each.ticks)))
        if self._waiting and self._is_open:
            self._pace.touch()

    def _push(self) -> None:
        rows, self._waiting = self._waiting, []
        for first in range(0, len(rows), MOST_TRADES):
            self.send(news(self.name, rows[first : first + MOST_TRADES]))


class Chart(Feed):
    """The candle of one resolution, read once and then grown by each trade."""

    def __init__(self, name: str, listed: Listed, resolution: str) -> None:
        super().__init__(name, listed, CHART_S)
        self._resolution = resolution
        self._length_s = RESOLUTIONS[resolution]
        self._waiting: list[Print] | None = []
        self._candle: Candle | None = None

    async def open(self) -> None:
        """Follow the trades first, then read: none in between are lost."""
        await self.follow(f"{prints.TOPIC}.{self.listed.symbol}")
        self._candle = await read(newest_candle, self.listed, self._resolution)
        waiting, self._waiting = self._waiting or [], None
        seen = self._candle.last_seq if self._candle else 0
        self._take(tuple(each for each in waiting if each.seq > seen))

    def deliver(self, publication: Publication) -> None:
        self._take(prints.trades_in(publication))

    def _take(self, trades: tuple[Print, ...]) -> None:
        if self._waiting is not None:
            self._waiting += trades
            return
        for trade in trades:
            if self._candle is None or trade.at >= self._candle.end:
                self.push()
                start = int(opened_at(trade.at, self._length_s))
                self._candle = Candle.of(start, start + self._length_s * MICROSECONDS, trade)
            else:
                self._candle.add(trade)
        if trades:
            self.pace.touch()

    def first(self) -> tuple[Publication, ...]:
        """Return the open candle."""
        return () if self._candle is None else self.opening(chart_row(self.listed, self._candle))

    def push(self) -> None:
        if self._candle is not None:
            self.tell(chart_row(self.listed, self._candle))


def newest_candle(listed: Listed, resolution: str) -> Candle | None:
    """Read the candle of the newest trade; None without trades."""
    found = candles(listed, resolution, 0, LATEST, 1)
    if not len(found):
        return None
    row, length = found[-1], RESOLUTIONS[resolution] * MICROSECONDS
    start = int(row["opened_at"])
    names = ("open", "high", "low", "close", "volume", "last_seq")
    return Candle(start, start + length, *(int(row[name]) for name in names))


def chart_row(listed: Listed, candle: Candle) -> dict[str, Any]:
    """Return the data of chart.trades, with the same cost as get_tradingview_chart_data."""
    lattice = listed.lattice
    prices = {
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
    }
    return {
        "tick": candle.start // 1_000,
        **{name: numbers.price(lattice, ticks) for name, ticks in prices.items()},
        "volume": numbers.amount(lattice, candle.volume),
        "cost": numbers.notional(lattice, candle.volume * sum(prices.values()) // 4),
    }
