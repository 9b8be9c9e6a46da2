"""Public data of Deribit in whole ticks, lots and microseconds. Pure."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from exchange.engine.messages import BUY, SELL
from instruments.lattice import Lattice
from venues.feeds.events import Contract, FeedError, Minute, Print, count, key_of

SIDES: Final = {"buy": BUY, "sell": SELL}
MINUTE_MS: Final = 60_000
DOLLARS: Final = ("USDC", "USD")


def contract_of(row: Mapping[str, Any]) -> Contract:
    """Return an instrument of public/get_instrument; raise FeedError unless it is linear."""
    name, kind = row["instrument_name"], row.get("instrument_type")
    if row["kind"] != "future" or kind != "linear" or row["settlement_currency"] not in DOLLARS:
        raise FeedError(
            f"{name} is {kind or 'not a future'} {row['kind']}, settled in "
            f"{row['settlement_currency']}: use a linear future such as BTC_USDC-PERPETUAL"
        )
    lattice = Lattice(Decimal(str(row["tick_size"])), Decimal(str(row["min_trade_amount"])))
    return Contract(symbol=name, lattice=lattice, currency=row["quote_currency"])


def print_of(lattice: Lattice, row: Mapping[str, Any]) -> Print:
    """Return a public trade."""
    return Print(
        key=key_of(row["trade_id"]),
        at=int(row["timestamp"]) * 1_000,
        ticks=count(lattice.tick_size, str(row["price"]), "price"),
        lots=steps(row["amount"], lattice.lot_size),
        side=SIDES[row["direction"]],
    )


def minutes_of(lattice: Lattice, chart: Mapping[str, Sequence[Any]], now_ms: int) -> list[Minute]:
    """Return the closed candles of public/get_tradingview_chart_data; the last one may be open."""
    columns = (chart[name] for name in ("ticks", "open", "high", "low", "close", "volume"))
    found = []
    for at_ms, *prices, volume in zip(*columns, strict=True):
        if int(at_ms) + MINUTE_MS <= now_ms:
            opening, high, low, close = (
                count(lattice.tick_size, str(price), "price") for price in prices
            )
            lots = steps(volume, lattice.lot_size)
            found.append(Minute(int(at_ms) * 1_000, opening, high, low, close, lots))
    return found


def steps(number: float | str, step: Decimal) -> int:
    """Return a price or quantity in whole steps, rounded: averages lie between them."""
    return int((Decimal(str(number)) / step).to_integral_value(ROUND_HALF_EVEN))
