"""Reads of recorded rows for the wire, each an index range scan.

The database makes the numbers: times in epoch ms, prices as the doubles nearest to the decimals
(ticks * units / scale, the same IEEE division as Lattice.number).
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, NamedTuple

from django.db import connection

from instruments.lattice import Lattice
from instruments.models import Instrument
from quotes.models import quote_id
from quotes.timeframes import SECONDS, opened_at

Row = Sequence[Any]
QUOTE_COLUMNS: Final = ("seq", "at", "price")
CANDLE_COLUMNS: Final = (
    "opened_at", "open", "high", "low", "close", "count", "first_seq", "last_seq",
)  # fmt: skip
REGIME_COLUMNS: Final = ("phi", "started_at", "ended_at", "first_seq", "last_seq")
OPENED_AT: Final = 0
"""Its place among CANDLE_COLUMNS."""


class Page(NamedTuple):
    """Rows in ascending order; `more_after` is the key to go on after, None at the end."""

    rows: list[Row]
    more_after: int | None
    open_candle: bool = False


def fetch(sql: str, parameters: Sequence[int | str]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()  # type: ignore[no-any-return]


def instrument(symbol: str) -> Instrument | None:
    """Return what a read needs of an instrument: its key, symbol and lattice.

    Without the ORM, whose compiler takes a quarter of the time of a request for 500 candles.
    """
    found = fetch("SELECT id, tick_size FROM instruments_instrument WHERE symbol = %s", (symbol,))
    if not found:
        return None
    key, tick_size = found[0]
    return Instrument(pk=key, symbol=symbol, tick_size=Decimal(str(tick_size)))


def price_sql(column: str, lattice: Lattice) -> str:
    return f"CAST({column} * {lattice.units} AS DOUBLE PRECISION) / {lattice.scale}"


def quotes(
    instrument: Instrument, since_seq: int, start: int | None, end: int | None, limit: int
) -> Page:
    """Return quotes after `since_seq` with start <= at < end (microseconds), keyed by seq.

    The times are looked up first, so that the scan is a range of the primary key.
    """
    after = quote_id(instrument.pk, since_seq)
    before = quote_id(instrument.pk + 1, 0)
    lookup = "SELECT id FROM quotes_quote WHERE instrument_id = %s AND at"
    if start is not None:
        found = fetch(f"{lookup} >= %s ORDER BY at LIMIT 1", (instrument.pk, start))
        after = max(after, found[0][0] - 1) if found else before
    if end is not None:
        found = fetch(f"{lookup} >= %s ORDER BY at LIMIT 1", (instrument.pk, end))
        before = found[0][0] if found else before
    rows = fetch(
        f"SELECT seq, at / 1000, {price_sql('ticks', instrument.lattice)} FROM quotes_quote "  # noqa: S608
        "WHERE id > %s AND id < %s ORDER BY id LIMIT %s",
        (after, before, limit + 1),
    )
    more = len(rows) > limit
    return Page(rows[:limit], rows[limit - 1][0] if more else None)


def candles(
    instrument: Instrument, timeframe_s: int, start: int | None, end: int | None, limit: int
) -> Page:
    """Return candles with start <= opened_at < end (microseconds), keyed by opened_at in ms.

    Without `start` the newest `limit` of them. The open one is the last where it is reached.
    """
    # The open candle first: one that closes meanwhile must not be in both.
    still_open = open_candle(instrument, timeframe_s)
    if still_open is None:
        return Page([], None)
    opened = still_open[OPENED_AT] * 1000
    reaches_open = (start is None or start <= opened) and (end is None or opened < end)
    closed_before = opened if end is None else min(end, opened)
    prices = ", ".join(
        price_sql(name, instrument.lattice) for name in ("open", "high", "low", "close")
    )
    select = (
        f"SELECT opened_at / 1000, {prices}, count, first_seq, last_seq FROM quotes_candle "  # noqa: S608
        "WHERE instrument_id = %s AND timeframe = %s AND opened_at < %s"
    )
    key = [instrument.pk, timeframe_s, closed_before]
    if start is None:
        rows = fetch(f"{select} ORDER BY opened_at DESC LIMIT %s", [*key, limit - reaches_open])
        rows.reverse()
        return Page([*rows, still_open] if reaches_open else rows, None, reaches_open)
    rows = fetch(
        f"{select} AND opened_at >= %s ORDER BY opened_at LIMIT %s", [*key, start, limit + 1]
    )
    if reaches_open and len(rows) <= limit:
        rows.append(still_open)
    more = len(rows) > limit
    reached = reaches_open and not more
    return Page(rows[:limit], rows[limit - 1][OPENED_AT] if more else None, reached)


def open_candle(instrument: Instrument, timeframe_s: int) -> Row | None:
    """Compose the candle that holds the last tick; None where there is no tick.

    From the closed candles below it, the longest first, and the ticks of the last minute.
    """
    last = fetch(
        "SELECT at, seq, ticks FROM quotes_quote WHERE id > %s AND id < %s "
        "ORDER BY id DESC LIMIT 1",
        (quote_id(instrument.pk, 0), quote_id(instrument.pk + 1, 0)),
    )
    if not last:
        return None
    now, last_seq, close = last[0]
    pieces = [*_closed_below(instrument, timeframe_s, now), _last_minute(instrument, now)]
    number = instrument.lattice.number
    return (
        opened_at(now, timeframe_s) // 1000,
        number(pieces[0][0]),
        number(max(piece[1] for piece in pieces)),
        number(min(piece[2] for piece in pieces)),
        number(close),
        sum(piece[3] for piece in pieces),
        pieces[0][4],
        last_seq,
    )


def _closed_below(instrument: Instrument, timeframe_s: int, now: int) -> list[Row]:
    """Return open, high, low, count, first_seq of the closed candles within the open one."""
    selects: list[str] = []
    parameters: list[int] = []
    for finer, coarser in pairwise(SECONDS[: SECONDS.index(timeframe_s) + 1]):
        begin, end = opened_at(now, coarser), opened_at(now, finer)
        if begin < end:
            selects.append(
                "SELECT open, high, low, count, first_seq FROM quotes_candle WHERE "
                "instrument_id = %s AND timeframe = %s AND opened_at >= %s AND opened_at < %s"
            )
            parameters += [instrument.pk, finer, begin, end]
    if not selects:
        return []
    return fetch(f"{' UNION ALL '.join(selects)} ORDER BY first_seq", parameters)


def _last_minute(instrument: Instrument, now: int) -> Row:
    """Return open, high, low, count, first_seq of the ticks of the minute of `now` up to it."""
    key = (instrument.pk, opened_at(now, SECONDS[0]), now)
    where = "WHERE instrument_id = %s AND at >= %s AND at <= %s"
    return fetch(
        f"SELECT (SELECT ticks FROM quotes_quote {where} ORDER BY at LIMIT 1), "  # noqa: S608
        f"max(ticks), min(ticks), count(*), min(seq) FROM quotes_quote {where}",
        (*key, *key),
    )[0]


def regimes(
    instrument: Instrument, start: int | None, end: int | None, limit: int, after: int = 0
) -> Page:
    """Return the regimes in force at some moment of start <= t < end (microseconds).

    Keyed by first_seq; those after the one of `after`.
    """
    where = ["instrument_id = %s", "first_seq > %s"]
    parameters = [instrument.pk, after]
    if start is not None:
        where.append("(ended_at > %s OR ended_at IS NULL)")
        where.append(
            "first_seq >= COALESCE((SELECT first_seq FROM quotes_regime WHERE instrument_id = %s "
            "AND started_at <= %s ORDER BY started_at DESC LIMIT 1), 0)"
        )
        parameters += [start, instrument.pk, start]
    if end is not None:
        where.append("started_at < %s")
        parameters.append(end)
    rows = fetch(
        "SELECT phi, started_at / 1000, ended_at / 1000, first_seq, last_seq FROM quotes_regime "  # noqa: S608
        f"WHERE {' AND '.join(where)} ORDER BY first_seq LIMIT %s",
        [*parameters, limit + 1],
    )
    more = len(rows) > limit
    return Page(rows[:limit], rows[limit - 1][3] if more else None)
