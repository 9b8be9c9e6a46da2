"""A candle that grows with each trade."""

from dataclasses import dataclass

from venues.doors.prints import Print


@dataclass
class Candle:
    """A candle of trades from `start` until before `end` (microseconds); prices in ticks.

    `last_seq` and `last_at` are those of its last trade, 0 where its time is not known.
    """

    start: int
    end: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    last_seq: int
    last_at: int = 0

    @classmethod
    def of(cls, start: int, end: int, trade: Print) -> "Candle":
        """Return the candle that begins with a trade."""
        ticks = trade.ticks
        return cls(start, end, ticks, ticks, ticks, ticks, trade.lots, trade.seq, trade.at)

    def add(self, trade: Print) -> None:
        self.high = max(self.high, trade.ticks)
        self.low = min(self.low, trade.ticks)
        self.close = trade.ticks
        self.volume += trade.lots
        self.last_seq, self.last_at = trade.seq, trade.at
