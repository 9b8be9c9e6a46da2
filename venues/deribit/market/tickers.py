"""Tickers and books: the last day of an instrument, and what rests in its book."""

from typing import Any, Final

from exchange.clearing.entry import band
from exchange.clearing.funding import FUNDING_PPM
from exchange.engine.messages import BUY, SELL
from venues.deribit import numbers
from venues.deribit.listed import Listed
from venues.doors.books import best_of, book_of
from venues.doors.cached import Cached
from venues.doors.days import Day, last_day, mark_of, open_interest

FRESH_S: Final = 0.1
DEEPEST: Final = 10_000
SUMMARISED: Final = ("open_interest", "estimated_delivery_price", "current_funding", "funding_8h")


def ticker(listed: Listed) -> dict[str, Any]:
    """Return the ticker of an instrument, at most FRESH_S old."""
    return _tickers.get(listed)


def _ticker(listed: Listed) -> dict[str, Any]:
    lattice, day = listed.lattice, last_day(listed.instrument)
    mark = mark_of(listed.instrument) or day.last
    interest = open_interest(listed.instrument)
    return {
        "instrument_name": listed.name,
        "state": "open",
        "timestamp": day.at // 1_000,
        "last_price": numbers.optional_price(lattice, day.last or mark),
        "stats": stats(listed, day),
        **marked(listed, mark),
        **best_levels(listed),
        "settlement_price": numbers.optional_price(lattice, mark),
        "open_interest": numbers.amount(lattice, interest),
        "interest_value": numbers.rate(FUNDING_PPM),
        "current_funding": numbers.rate(FUNDING_PPM),
        "funding_8h": numbers.rate(FUNDING_PPM),
    }


def stats(listed: Listed, day: Day) -> dict[str, Any]:
    """Return what traded within 24 hours."""
    value = numbers.notional(listed.lattice, day.value)
    return {
        "high": numbers.optional_price(listed.lattice, day.high),
        "low": numbers.optional_price(listed.lattice, day.low),
        "price_change": numbers.percent(day.last - day.day_ago, day.day_ago),
        "volume": numbers.amount(listed.lattice, day.volume),
        "volume_usd": value,
        "volume_notional": value,
    }


def marked(listed: Listed, mark: int) -> dict[str, Any]:
    """Return the prices that follow from the mark; the index is the mark."""
    lattice = listed.lattice
    highest, lowest = ((band(side, mark) if mark else 0) for side in (BUY, SELL))
    price = numbers.optional_price(lattice, mark)
    return {
        "mark_price": price,
        "index_price": price,
        "estimated_delivery_price": price,
        "max_price": numbers.optional_price(lattice, highest),
        "min_price": numbers.optional_price(lattice, lowest),
    }


def best_levels(listed: Listed) -> dict[str, Any]:
    stored = book_of(listed.key)  # one book for both sides, which it may not cross
    (bid, bid_lots), (ask, ask_lots) = best_of(stored, BUY), best_of(stored, SELL)
    return {
        "best_bid_price": numbers.price(listed.lattice, bid),
        "best_bid_amount": numbers.amount(listed.lattice, bid_lots),
        "best_ask_price": numbers.price(listed.lattice, ask),
        "best_ask_amount": numbers.amount(listed.lattice, ask_lots),
    }


def order_book(listed: Listed, depth: int) -> dict[str, Any]:
    """Return the ticker with the best levels, bids descending and asks ascending.

    `change_id` is that of the channel `book`.
    """
    stored = book_of(listed.key)
    shown = ticker(listed)
    if stored is None:
        return {**shown, "bids": [], "asks": [], "change_id": 0}
    return {
        **shown,
        **best_levels(listed),
        "timestamp": stored.at // 1_000,
        "change_id": stored.seq,
        **{
            name: [
                [numbers.price(listed.lattice, ticks), numbers.amount(listed.lattice, lots)]
                for ticks, lots in zip(
                    *(part.tolist() for part in stored.book.levels(side, depth)), strict=True
                )
            ]
            for name, side in (("bids", BUY), ("asks", SELL))
        },
    }


def summary(listed: Listed, now_ms: int) -> dict[str, Any]:
    """Return the ticker as a book summary."""
    shown = ticker(listed)
    bid, ask = shown["best_bid_price"], shown["best_ask_price"]
    return {
        "instrument_name": listed.name,
        "base_currency": listed.contract.base,
        "quote_currency": listed.contract.quote,
        "creation_timestamp": now_ms,
        "last": shown["last_price"],
        "mark_price": shown["mark_price"],
        "mid_price": (bid + ask) / 2 if bid and ask else None,
        "bid_price": bid or None,
        "ask_price": ask or None,
        **shown["stats"],
        **{name: shown[name] for name in SUMMARISED},
    }


_tickers: Final = Cached(_ticker, FRESH_S)
