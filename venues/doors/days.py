"""The last day of an instrument: what every venue shows in its tickers."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Sum

from archive.database import fetch
from archive.instruments import find_with_newest
from exchange.accounts.loading import marks
from exchange.kinds import TRADE_CANDLES, TRADES
from exchange.models import Position
from instruments.models import Instrument
from market.timeframes import MICROSECONDS, TIMEFRAMES, opened_at

MINUTE_S: Final = TIMEFRAMES["1m"]
DAY_US: Final = 86_400 * MICROSECONDS
HOUR_US: Final = 3_600 * MICROSECONDS


@dataclass(frozen=True)
class Day:
    """What traded within 24 hours up to `at`: prices in ticks, `value` in ticks * lots."""

    at: int
    last: int
    day_ago: int
    hour_ago: int
    high: int
    low: int
    volume: int
    value: int


def last_day(instrument: Instrument) -> Day:
    """Return what traded in the 24 hours before the newest trade, to the minute."""
    found = find_with_newest(instrument.symbol, TRADES)
    if found is None or found[1] is None:
        return Day(0, 0, 0, 0, 0, 0, 0, 0)
    at = found[1].at
    minute, since = int(opened_at(at, MINUTE_S)), at - DAY_US
    high, low, volume, value = merged(
        _candles(instrument.pk, since, minute), _trades(instrument.pk, minute)
    )
    last = _last_ticks(instrument.pk)
    day_ago = _price_before(instrument.pk, since) or _first_price(instrument.pk) or last
    return Day(
        at, last, day_ago, _price_before(instrument.pk, at - HOUR_US) or day_ago,
        max(high, last), min(low or last, last), volume, value,
    )  # fmt: skip


def mark_of(instrument: Instrument) -> int:
    """Return the mark price in ticks, the newest quote; 0 if there is none."""
    return marks([instrument.pk]).get(instrument.pk, 0)


def open_interest(instrument: Instrument) -> int:
    """Return the lots of all long positions of accounts."""
    longs = Position.objects.filter(instrument=instrument, lots__gt=0)
    return longs.aggregate(lots=Sum("lots"))["lots"] or 0


Sums = tuple[int, int, int, int]


def merged(first: Sums, second: Sums) -> Sums:
    """Return the highest, the lowest, the volume and the value of two stretches."""
    lows = [low for low in (first[1], second[1]) if low]
    return (
        max(first[0], second[0]),
        min(lows, default=0),
        first[2] + second[2],
        first[3] + second[3],
    )


def _candles(key: int, since: int, until: int) -> Sums:
    return _sums(
        "SELECT max(high), min(low), sum(volume), sum(volume * (open + high + low + close) / 4) "  # noqa: S608
        f"FROM {TRADE_CANDLES.table} "
        "WHERE instrument_id = %s AND timeframe = %s AND opened_at > %s AND opened_at < %s",
        [key, MINUTE_S, since, until],
    )


def _trades(key: int, since: int) -> Sums:
    return _sums(
        f"SELECT max(ticks), min(ticks), sum(lots), sum(ticks * lots) FROM {TRADES.table} "  # noqa: S608
        "WHERE instrument_id = %s AND at >= %s",
        [key, since],
    )


def _sums(sql: str, parameters: list[int]) -> Sums:
    ((high, low, volume, value),) = fetch(sql, parameters)
    return int(high or 0), int(low or 0), int(volume or 0), int(value or 0)


def _last_ticks(key: int) -> int:
    sql = (
        f"SELECT ticks FROM {TRADES.table} WHERE instrument_id = %s "  # noqa: S608
        "ORDER BY at DESC, id DESC LIMIT 1"
    )
    return int(fetch(sql, [key])[0][0])


def _first_price(key: int) -> int:
    """Return the first price of all, for a history of less than a day; 0 if there is none."""
    found = fetch(
        f"SELECT open FROM {TRADE_CANDLES.table} "  # noqa: S608
        "WHERE instrument_id = %s AND timeframe = %s ORDER BY opened_at LIMIT 1",
        [key, MINUTE_S],
    )
    return int(found[0][0]) if found else 0


def _price_before(key: int, at: int) -> int:
    """Return the last price before a moment, to the minute; 0 if nothing had traded."""
    found = fetch(
        f"SELECT close FROM {TRADE_CANDLES.table} "  # noqa: S608
        "WHERE instrument_id = %s AND timeframe = %s AND opened_at <= %s "
        "ORDER BY opened_at DESC LIMIT 1",
        [key, MINUTE_S, at - MINUTE_S * MICROSECONDS],
    )
    return int(found[0][0]) if found else 0
