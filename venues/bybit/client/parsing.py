"""Public data of Bybit in whole ticks, lots and microseconds. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice
from venues.feeds.events import Contract, FeedError, Minute, Print, count, key_of

SIDES: Final = {"Buy": BUY, "Sell": SELL}
MINUTE_MS: Final = 60_000


def contract_of(symbol: str, rows: Sequence[Mapping[str, Any]]) -> Contract:
    """Return an instrument of the list `instruments-info`; raise FeedError if it is not there."""
    for row in rows:
        if row["symbol"] == symbol:
            tick_size = Decimal(row["priceFilter"]["tickSize"])
            lot_size = Decimal(row["lotSizeFilter"]["qtyStep"])
            return Contract(
                symbol=symbol, lattice=Lattice(tick_size, lot_size), currency=row["quoteCoin"]
            )
    raise FeedError(f"Bybit has no linear contract {symbol}: use a symbol such as BTCUSDT")


def live_print(lattice: Lattice, row: Mapping[str, Any]) -> Print:
    """Return a trade of the topic publicTrade."""
    return _print(lattice, row["i"], row["T"], row["p"], row["v"], row["S"])


def recent_print(lattice: Lattice, row: Mapping[str, Any]) -> Print:
    """Return a trade of the endpoint recent-trade."""
    return _print(lattice, row["execId"], row["time"], row["price"], row["size"], row["side"])


def _print(lattice: Lattice, id_: str, at_ms: Any, price: str, size: str, side: str) -> Print:
    return Print(
        key=key_of(id_),
        at=int(at_ms) * 1_000,
        ticks=count(lattice.tick_size, price, "price"),
        lots=count(lattice.lot_size, size, "size"),
        side=SIDES[side],
    )


def minutes_of(lattice: Lattice, rows: Sequence[Sequence[str]], now_ms: int) -> list[Minute]:
    """Return the closed candles of the endpoint kline, oldest first; its last one may be open."""
    found = []
    for start, *texts, volume, _ in reversed(rows):
        if int(start) + MINUTE_MS <= now_ms:
            opening, high, low, close = (count(lattice.tick_size, text, "price") for text in texts)
            lots = count(lattice.lot_size, volume, "volume")
            found.append(Minute(int(start) * 1_000, opening, high, low, close, lots))
    return found
