"""Tickers: the last day of an instrument in one row."""

from typing import Any, Final

from exchange.clearing.funding import FUNDING_PPM, INTERVAL_US
from exchange.engine.messages import BUY, SELL
from market.timeframes import MICROSECONDS
from venues.bybit.listed import Listed
from venues.bybit.numbers import (
    optional_price,
    ppm_text,
    quantity_text,
    ratio_text,
    value_text,
)
from venues.doors.books import best_of, book_of
from venues.doors.cached import Cached
from venues.doors.days import last_day, mark_of, open_interest

FRESH_S: Final = 0.1
HOUR_US: Final = 3_600 * MICROSECONDS
CONSTANT: Final = {
    "predictedDeliveryPrice": "",
    "basisRate": "",
    "basis": "",
    "basisRateYear": "",
    "deliveryFeeRate": "",
    "deliveryTime": "0",
    "preOpenPrice": "",
    "preQty": "",
    "curPreListingPhase": "",
    "fundingIntervalHour": str(INTERVAL_US // HOUR_US),
    "fundingCap": ppm_text(FUNDING_PPM),
    "fundingRate": ppm_text(FUNDING_PPM),
}


def ticker(listed: Listed) -> dict[str, Any]:
    """Return the ticker of an instrument, at most FRESH_S old."""
    return _tickers.get(listed)


def _ticker(listed: Listed) -> dict[str, Any]:
    lattice, day = listed.lattice, last_day(listed.instrument)
    stored = book_of(listed.key)  # one book for both sides, which it may not cross
    (bid, bid_lots), (ask, ask_lots) = best_of(stored, BUY), best_of(stored, SELL)
    mark = mark_of(listed.instrument) or day.last
    interest = open_interest(listed.instrument)
    shown_mark = optional_price(lattice, mark)
    return {
        **CONSTANT,
        "symbol": listed.name,
        "lastPrice": optional_price(lattice, day.last or mark),
        "indexPrice": shown_mark,
        "markPrice": shown_mark,
        "prevPrice24h": optional_price(lattice, day.day_ago),
        "price24hPcnt": ratio_text(day.last - day.day_ago, day.day_ago),
        "highPrice24h": optional_price(lattice, day.high),
        "lowPrice24h": optional_price(lattice, day.low),
        "prevPrice1h": optional_price(lattice, day.hour_ago),
        "openInterest": quantity_text(lattice, interest),
        "openInterestValue": value_text(lattice, interest * mark),
        "singleOpenInterest": quantity_text(lattice, interest),
        "singleOpenInterestValue": value_text(lattice, interest * mark),
        "turnover24h": value_text(lattice, day.value),
        "volume24h": quantity_text(lattice, day.volume),
        "nextFundingTime": str((day.at // INTERVAL_US + 1) * INTERVAL_US // 1_000),
        "bid1Price": optional_price(lattice, bid),
        "bid1Size": quantity_text(lattice, bid_lots),
        "ask1Price": optional_price(lattice, ask),
        "ask1Size": quantity_text(lattice, ask_lots),
    }


_tickers: Final = Cached(_ticker, FRESH_S)
