"""The topics kline.INTERVAL.SYMBOL: the open candle as it grows, and once more when it closes."""

from typing import Any, Final

from exchange.kinds import CANDLES_OF_TRADES
from live.cutting import made
from live.frames import Publication
from live.reads import read
from market.timeframes import MICROSECONDS
from venues.bybit.listed import Listed
from venues.bybit.market.klines import INTERVALS, MONTH, candles, opening
from venues.bybit.sockets.publictrades import Trades, snapshot
from venues.bybit.sockets.tape import candle_row
from venues.doors.clock import now_ms
from venues.doors.opencandles import Candle
from venues.doors.prints import Print
from venues.doors.publishers import Pace

INTERVAL_S: Final = 1.0
"""Least time from one message about an open candle to the next."""


class Candles(Trades):
    """The candle of one interval, read once and then grown by each trade."""

    def __init__(self, name: str, interval: str, listed: Listed) -> None:
        super().__init__(name, listed.symbol)
        self._listed = listed
        self._interval = interval
        self._opening = opening(interval)
        self._pace = Pace(INTERVAL_S, self._push)
        self._waiting: list[Print] | None = []
        self._candle: Candle | None = None

    async def open(self) -> None:
        """Follow the trades first, then read: none in between are lost."""
        await super().open()
        self._candle = await read(newest_candle, self._listed, self._interval)
        waiting, self._waiting = self._waiting or [], None
        seen = self._candle.last_seq if self._candle else 0
        self.take(tuple(each for each in waiting if each.seq > seen))

    async def close(self) -> None:
        self._pace.stop()
        await super().close()

    def take(self, trades: tuple[Print, ...]) -> None:
        if self._waiting is not None:
            self._waiting += trades
            return
        for trade in trades:
            if self._candle is None or trade.at >= self._candle.end:
                self._send(is_closed=True)
                start = self._opening(trade.at)
                self._candle = Candle.of(start, end_of(self._interval, start), trade)
            else:
                self._candle.add(trade)
        if trades:
            self._pace.touch()

    def first(self) -> tuple[Publication, ...]:
        """Return the open candle."""
        if self._candle is None:
            return ()
        message = self._message(self._candle, is_closed=False)
        return (made(message, 0, 0, topic=self.name),)

    def _push(self) -> None:
        self._send(is_closed=False)

    def _send(self, *, is_closed: bool) -> None:
        if self._candle is not None:
            self.send(self._message(self._candle, is_closed=is_closed))

    def _message(self, candle: Candle, *, is_closed: bool) -> dict[str, Any]:
        row = candle_row(self.symbol, self._interval, candle, is_closed=is_closed, now_ms=now_ms())
        return snapshot(self.name, [row])


def newest_candle(listed: Listed, interval: str) -> Candle | None:
    """Read the candle of the newest trade; None without trades."""
    found = candles(listed, interval, None, None, 1, CANDLES_OF_TRADES)
    if not len(found):
        return None
    row = found[0]
    start = int(row["opened_at"])
    names = ("open", "high", "low", "close", "volume", "last_seq")
    numbers = [int(row[name]) for name in names]
    return Candle(start, end_of(interval, start), *numbers)


def end_of(interval: str, start: int) -> int:
    """Return when the candle that opened at `start` ends (microseconds)."""
    end = start + INTERVALS[interval] * MICROSECONDS
    return opening(MONTH)(end) if interval == MONTH else end
