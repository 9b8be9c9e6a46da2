"""Exchanges of ccxt.pro, and their markets in whole ticks and lots."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final

import ccxt.pro
from ccxt.base.decimal_to_precision import DECIMAL_PLACES, TICK_SIZE

from instruments.lattice import Lattice
from venues.ccxt.bybit import Bybit
from venues.feeds.events import Contract, FeedError, UnavailableError

REQUEST_TIMEOUT_MS: Final = 10_000
CHECKED: Final[Mapping[str, type[Any]]] = {"bybit": Bybit}
"""Exchanges whose messages are checked beyond what ccxt does."""


def check(exchange_id: str) -> None:
    """Raise FeedError for an exchange that does not exist."""
    if exchange_id not in ccxt.pro.exchanges:
        raise FeedError(f"ccxt.pro has no exchange {exchange_id!r}: use a name such as kraken")


def settings_of(exchange_id: str, url: str | None) -> dict[str, Any]:
    """Return what ccxt needs to reach one of our doors, {} for the venue itself.

    Raise FeedError for a venue of which there is no door.
    """
    if url is None:
        return {}
    base = url.rstrip("/")
    sockets = base.replace("http", "ws", 1)
    if exchange_id == "bybit":
        topics = f"{sockets}/v5"
        ws = {
            "public": {"linear": f"{topics}/public/linear"},
            "private": {"contract": f"{topics}/private", "trade": f"{topics}/trade"},
        }
        return {"urls": {"api": {"public": base, "private": base, "ws": ws}}}
    if exchange_id == "deribit":
        return {"urls": {"api": {"rest": base, "ws": f"{sockets}/ws/api/v2"}}}
    raise FeedError(f"--url is for bybit and deribit: ccxt knows the addresses of {exchange_id}")


@asynccontextmanager
async def opened(exchange_id: str, settings: Mapping[str, Any]) -> AsyncGenerator[Any, None]:
    """Open an exchange on the event loop that runs."""
    kind = CHECKED.get(exchange_id) or getattr(ccxt.pro, exchange_id)
    exchange = kind(
        {"timeout": REQUEST_TIMEOUT_MS, "options": {"defaultType": "linear"}, **settings}
    )
    try:
        yield exchange
    finally:
        await exchange.close()


async def contract_of(exchange: Any, symbol: str) -> Contract:
    """Return a market; raise FeedError if there is none, UnavailableError."""
    try:
        await exchange.load_markets()
        market = exchange.market(symbol)
    except ccxt.OperationFailed as error:
        raise UnavailableError(explained(error)) from error
    except ccxt.BaseError as error:
        raise FeedError(f"{exchange.id}: {explained(error)}") from error
    return Contract(
        symbol=market["symbol"],
        lattice=Lattice(_step(exchange, market, "price"), _step(exchange, market, "amount")),
        currency=market["settle"] or market["quote"],
    )


def _step(exchange: Any, market: Mapping[str, Any], name: str) -> Decimal:
    """Return the step of prices or amounts; raise FeedError if the venue has none."""
    given = market["precision"][name]
    if given is not None and exchange.precisionMode == TICK_SIZE:
        return decimal(given)
    if given is not None and exchange.precisionMode == DECIMAL_PLACES:
        return Decimal(1).scaleb(-int(given))
    raise FeedError(f"{exchange.id} states no fixed step of the {name} of {market['symbol']}")


def decimal(number: Any) -> Decimal:
    """Return the decimal that a float of ccxt stands for."""
    return Decimal(repr(number) if isinstance(number, float) else str(number))


def explained(error: Exception) -> str:
    """Return an error in one line, without the queries of addresses: some venues sign in them."""
    text = re.sub(r"\?\S*", "?...", " ".join(str(error).split()))
    return text[:300] or type(error).__name__
