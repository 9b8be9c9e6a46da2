"""Prices of the indexes that persons follow: fetched once for all, recorded like any source."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import structlog
from django.core.cache import caches
from django.db import transaction

from instruments.models import Instrument
from journal.journal import Journal
from journal.leases import LeaseHeldError
from market.kinds import Delivery
from market.quoting import quoted
from market.ticks import tick_array
from market.times import to_microseconds
from quotes.kinds import QUOTES
from quotes.models import Quote
from venues.deribit.client.errors import RefusedError, VenueError
from venues.deribit.client.pacing import QueueFullError
from venues.gateway import vault
from venues.gateway.models import DERIBIT, Connection, PriceTicker
from venues.gateway.pool import Pool
from venues.gateway.publishing import announce, broadcaster
from venues.gateway.running import current_gateway

logger = structlog.get_logger(__name__)

TICK_SIZE: Final = Decimal("0.0001")
"""Of the instruments that indexes are recorded as; prices are rounded to it."""
METHOD: Final = "public/get_index_price"
UNKNOWN: Final = (-32602, 10020, 13020)
"""Codes with which a venue says that it has no such index."""
FIRST_S: Final = 5.0
"""Patience for the first price of a ticker, which a user waits for."""


_reserving: Final = threading.Lock()
_fetching: Final[set[str]] = set()


class Price(NamedTuple):
    """A recorded price; `at` in milliseconds since 1970 UTC."""

    seq: int
    at: int
    price: float


def symbol_of(name: str) -> str:
    """Return the symbol of the instrument that an index is recorded as, e.g. DERIBIT-BTC_USD."""
    return f"{DERIBIT}-{name}".upper()


def fetch_prices(names: Sequence[str] | None = None) -> int:
    """Fetch and record the price of each followed ticker, or of `names`; return how many came.

    Tickers that the venue does not know are fetched only by name.
    """
    chosen = PriceTicker.objects.filter(subscriptions__isnull=False, is_unknown=False).distinct()
    tickers = list(chosen if names is None else PriceTicker.objects.filter(name__in=names))
    patience_s = None if names is None else FIRST_S
    with in_flight(tickers) as fresh:
        asked = {
            current_gateway().start(partial(price_of, name, patience_s)): name for name in fresh
        }
        count = 0
        try:
            for answer in as_completed(asked):  # a ticker that waits delays no other
                name = asked[answer]
                count += stored(fresh[name], result_of(answer))
                land(fresh, name)
        finally:
            for answer in asked:
                answer.cancel()
        return count


@contextmanager
def in_flight(tickers: Iterable[PriceTicker]) -> Iterator[dict[str, PriceTicker]]:
    """Reserve tickers that nobody fetches now: requests must not pile up while the venue is away.

    Each process has its own reservations; one process runs all tasks of the gateway.
    """
    with _reserving:
        fresh = {each.name: each for each in tickers if each.name not in _fetching}
        _fetching.update(fresh)
    try:
        yield fresh
    finally:
        with _reserving:
            _fetching.difference_update(fresh)


def land(fresh: dict[str, PriceTicker], name: str) -> None:
    """End the reservation of one ticker before the others."""
    with _reserving:
        del fresh[name]
        _fetching.discard(name)


async def price_of(name: str, patience_s: float | None, pool: Pool) -> Any:
    """Return the price that the venue sends for an index; raise VenueError or QueueFullError."""
    answer = await pool.call(METHOD, {"index_name": name}, patience_s)
    return answer.get("index_price") if isinstance(answer, dict) else answer


def result_of(answer: "Future[Any]") -> Any:
    """Return a result, or the error instead of it."""
    error = answer.exception()
    return answer.result() if error is None else error


def stored(ticker: PriceTicker, price: Any) -> bool:
    """Record what came for a ticker; return whether it was a price."""
    if isinstance(price, VenueError | QueueFullError):
        fail(ticker, price)
        return False
    if isinstance(price, BaseException):
        raise price
    try:
        instrument = record(ticker, exact(price))
    except ValueError as error:
        fail(ticker, error)
        return False
    except LeaseHeldError as error:
        logger.warning("price not recorded", ticker=ticker.name, error=str(error))
        return False
    if ticker.error or ticker.instrument_id is None:
        ticker.instrument, ticker.error, ticker.is_unknown = instrument, "", False
        ticker.save(update_fields=["instrument", "error", "is_unknown"])
        announce_followers(ticker)
    return True


def exact(price: Any) -> Decimal:
    """Return a price of the venue; raise ValueError for one that cannot be recorded."""
    try:
        found = Decimal(str(price))
        ticks = round(found / TICK_SIZE)
    except (ArithmeticError, ValueError):
        raise ValueError(f"the venue sent {quoted(str(price))}, which is not a price") from None
    if ticks < 1:
        raise ValueError(f"the price {found:f} cannot be recorded in steps of {TICK_SIZE}")
    return found


def announce_followers(ticker: PriceTicker) -> None:
    """Tell the streams that follow a ticker that it has a price, or why it has none."""
    announce(
        Connection.objects.filter(person__subscriptions__ticker=ticker).values_list("pk", flat=True)
    )


def fail(ticker: PriceTicker, error: Exception) -> None:
    """Note why there is no price, and tell those who follow the ticker."""
    logger.warning("no price", ticker=ticker.name, error=str(error))
    ticker.error = str(error)[:300]
    ticker.is_unknown = isinstance(error, RefusedError) and error.code in UNKNOWN
    ticker.save(update_fields=["error", "is_unknown"])
    announce_followers(ticker)


def ask_again() -> int:
    """Fetch tickers again that the venue did not know; return how many there are."""
    return PriceTicker.objects.filter(is_unknown=True).update(is_unknown=False)


def record(ticker: PriceTicker, price: Decimal) -> Instrument:
    """Append a price to the quotes of an index; raise LeaseHeldError."""
    with transaction.atomic():
        instrument = ticker.instrument or instrument_of(ticker.name)
        publisher = broadcaster([instrument])
        with Journal([instrument], publisher.publish if publisher else None) as journal:
            tail = journal.tail(instrument.pk, QUOTES)
            at = max(time.time_ns() // 1_000, tail.at + 1)
            ticks = tick_array(
                instrument.pk,
                np.array([tail.seq + 1]),
                np.array([at]),
                np.array([round(price / TICK_SIZE)]),
            )
            journal.append([Delivery(QUOTES, ticks)])
    return instrument


def instrument_of(name: str) -> Instrument:
    """Return the instrument of an index, created with its first price."""
    found = Instrument.objects.filter(symbol=symbol_of(name)).first()
    if found is None:
        found = Instrument(symbol=symbol_of(name), name=f"Deribit {name}", tick_size=TICK_SIZE)
        found.full_clean()
        found.save()
    return found


def refresh() -> int:
    """Put the newest recorded price of each followed ticker into the cache; return how many."""
    tickers = PriceTicker.objects.filter(subscriptions__isnull=False, instrument__isnull=False)
    newest = {ticker.name: price for ticker in tickers.distinct() if (price := read_newest(ticker))}
    caches[vault.CACHE].set_many({f"price:{name}": price for name, price in newest.items()}, None)
    return len(newest)


def read_newest(ticker: PriceTicker) -> Price | None:
    instrument = ticker.instrument
    newest = None if instrument is None else Quote.objects.latest_of(instrument)
    if instrument is None or newest is None:
        return None
    at = to_microseconds(newest.at) // 1_000
    return Price(newest.seq, at, instrument.lattice.number(newest.ticks))


def newest_of(name: str) -> Price | None:
    """Return the newest price that the cache has."""
    found = caches[vault.CACHE].get(f"price:{name}")
    return None if found is None else Price(*found)
