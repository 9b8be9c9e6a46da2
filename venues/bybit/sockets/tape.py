"""Trades as the public topics show them: the direction of each price, candles. Pure."""

from typing import Any, Final

from venues.bybit.numbers import price_text, quantity_text, value_text
from venues.bybit.sequences import cross_sequence, trade_id
from venues.bybit.symbols import Symbol
from venues.doors.opencandles import Candle
from venues.doors.prints import Print

SIDES: Final = {1: "Buy", -1: "Sell"}
MOST_TRADES: Final = 1024
"""In one message."""


class TickDirection:
    """Whether a price is above or below the last different one before it."""

    def __init__(self) -> None:
        self._last = 0
        self._rose = True

    def of(self, ticks: int) -> str:
        """Return the direction of the next trade."""
        moved = ticks != self._last
        if moved:
            self._rose = ticks > self._last
            self._last = ticks
        zero = "" if moved else "Zero"
        return f"{zero}{'Plus' if self._rose else 'Minus'}Tick"


def trade_row(symbol: Symbol, trade: Print, direction: str) -> dict[str, Any]:
    """Return a row of publicTrade."""
    return {
        "T": trade.at // 1000,
        "s": symbol.name,
        "S": SIDES[trade.side],
        "v": quantity_text(symbol.lattice, trade.lots),
        "p": price_text(symbol.lattice, trade.ticks),
        "L": direction,
        "i": trade_id(symbol.key, trade.seq),
        "BT": False,
        "RPI": False,
        "seq": cross_sequence(trade.at),
    }


def liquidation_row(symbol: Symbol, trade: Print) -> dict[str, Any]:
    """Return a row of allLiquidation: the side is that of the position."""
    return {
        "T": trade.at // 1000,
        "s": symbol.name,
        "S": SIDES[-trade.side],
        "v": quantity_text(symbol.lattice, trade.lots),
        "p": price_text(symbol.lattice, trade.ticks),
    }


def candle_row(
    symbol: Symbol, interval: str, candle: Candle, *, is_closed: bool, now_ms: int
) -> dict[str, Any]:
    """Return the row of a kline topic, with the same turnover as REST."""
    lattice = symbol.lattice
    prices = {
        "open": candle.open,
        "close": candle.close,
        "high": candle.high,
        "low": candle.low,
    }
    turnover = candle.volume * sum(prices.values()) // 4
    return {
        "start": candle.start // 1000,
        "end": candle.end // 1000 - 1,
        "interval": interval,
        **{name: price_text(lattice, ticks) for name, ticks in prices.items()},
        "volume": quantity_text(lattice, candle.volume),
        "turnover": value_text(lattice, turnover),
        "confirm": is_closed,
        "timestamp": candle.last_at // 1000 or now_ms,
    }
