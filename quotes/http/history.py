"""Reads of recorded rows for the wire, each an index range scan.

Times are epoch ms, prices the doubles nearest to the decimals (`prices`).
"""

from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archive.scans import Row, fetch, fetch_columns
from instruments.lattice import Lattice
from instruments.models import Instrument
from market.keys import SEQ_BITS, row_key
from market.timeframes import SECONDS, opened_at

QUOTE_COLUMNS: Final = ("seq", "at", "price")
CANDLE_COLUMNS: Final = (
    "opened_at", "open", "high", "low", "close", "count", "first_seq", "last_seq",
)  # fmt: skip
REGIME_COLUMNS: Final = ("phi", "started_at", "ended_at", "first_seq", "last_seq")
EARLIEST: Final = -(2**62)
STORED: Final = ", ".join(CANDLE_COLUMNS)
OPENED_AT: Final = 0
"""Its place among CANDLE_COLUMNS."""


class Page(NamedTuple):
    """Rows in ascending order; `more_after` is the key to go on after, None at the end."""

    rows: list[Row]
    more_after: int | None
    open_candle: bool = False


def instrument(symbol: str) -> Instrument | None:
    """Return what a read needs of an instrument: its key, symbol and lattice.

    Without the ORM, whose compiler takes a quarter of the time of a request for 500 candles.
    """
    found = fetch("SELECT id, tick_size FROM instruments_instrument WHERE symbol = %s", (symbol,))
    if not found:
        return None
    key, tick_size = found[0]
    return Instrument(pk=key, symbol=symbol, tick_size=Decimal(str(tick_size)))


def prices(ticks: NDArray[np.int64], lattice: Lattice) -> NDArray[np.float64]:
    """Return the doubles nearest to the prices, those of `Lattice.number`."""
    return (ticks * lattice.units).astype(np.float64) / lattice.scale


def quote_range(
    instrument: Instrument, since_seq: int, start: int | None, end: int | None
) -> tuple[int, int]:
    """Return the ids between which (both exclusive) the quotes of a span are.

    The times are looked up first, so that a scan is a range of the primary key.
    """
    after = row_key(instrument.pk, since_seq)
    before = row_key(instrument.pk + 1, 0)
    lookup = "SELECT id FROM quotes_quote WHERE instrument_id = %s AND at"
    if start is not None:
        found = fetch(f"{lookup} >= %s ORDER BY at LIMIT 1", (instrument.pk, start))
        after = max(after, found[0][0] - 1) if found else before
    if end is not None:
        found = fetch(f"{lookup} >= %s ORDER BY at LIMIT 1", (instrument.pk, end))
        before = found[0][0] if found else before
    return after, before


def quotes(
    instrument: Instrument, since_seq: int, start: int | None, end: int | None, limit: int
) -> Page:
    """Return quotes after `since_seq` with start <= at < end (microseconds), keyed by seq."""
    after, before = quote_range(instrument, since_seq, start, end)
    seq, at, ticks = fetch_columns(
        ("seq", "at", "ticks"),
        "SELECT seq, at, ticks FROM quotes_quote WHERE id > %s AND id < %s ORDER BY id LIMIT %s",
        (after, before, limit + 1),
    )
    columns = (seq, at // 1000, prices(ticks, instrument.lattice))
    rows: list[Row] = list(zip(*(column.tolist() for column in columns), strict=True))
    more = len(rows) > limit
    return Page(rows[:limit], rows[limit - 1][0] if more else None)


class Newest(NamedTuple):
    """The newest tick of an instrument."""

    at: int
    seq: int


def instrument_and_newest(symbol: str) -> tuple[Instrument, Newest | None] | None:
    """Return an instrument as `instrument` does, with its newest tick, in one read."""
    found = fetch(
        "SELECT i.id, i.tick_size, q.at, q.seq FROM instruments_instrument i "  # noqa: S608
        "LEFT JOIN quotes_quote q ON q.id = (SELECT max(id) FROM quotes_quote "
        f"WHERE id > i.id * {2**SEQ_BITS} AND id < (i.id + 1) * {2**SEQ_BITS}) "
        "WHERE i.symbol = %s",
        (symbol,),
    )
    if not found:
        return None
    key, tick_size, at, seq = found[0]
    known = Instrument(pk=key, symbol=symbol, tick_size=Decimal(str(tick_size)))
    return known, None if seq is None else Newest(at, seq)


def candles(
    instrument: Instrument, timeframe_s: int, start: int | None, end: int | None, limit: int
) -> Page:
    """Return candles with start <= opened_at < end (microseconds), keyed by opened_at in ms.

    Without `start` the newest `limit` of them. The open one is the last where it is reached.
    """
    found = instrument_and_newest(instrument.symbol)
    newest = None if found is None else found[1]
    return candles_until(instrument, newest, timeframe_s, start, end, limit)


def candles_until(
    instrument: Instrument,
    newest: Newest | None,
    timeframe_s: int,
    start: int | None,
    end: int | None,
    limit: int,
) -> Page:
    """Return `candles` as they were at the tick `newest`, whatever is recorded meanwhile."""
    if newest is None:
        return Page([], None)
    opened = opened_at(newest.at, timeframe_s)
    reaches_open = (start is None or start <= opened) and (end is None or opened < end)
    before = opened if end is None else min(end, opened)
    most = limit + 1 if start is not None else limit - reaches_open
    parts = [_closed(instrument, timeframe_s, start, before, most)]
    if reaches_open:
        parts += _pieces(instrument, timeframe_s, newest.at)
    found = np.column_stack(
        fetch_columns(
            CANDLE_COLUMNS,
            " UNION ALL ".join(part.sql for part in parts),
            [parameter for part in parts for parameter in part.parameters],
        )
    )
    found = found[np.argsort(found[:, OPENED_AT])]
    if reaches_open:
        closed = np.searchsorted(found[:, OPENED_AT], opened)
        found = np.vstack([found[:closed], _merged(opened, found[closed:])])
    rows = _rows(found, instrument.lattice)
    if start is None:
        return Page(rows, None, reaches_open)
    more = len(rows) > limit
    return Page(
        rows[:limit], rows[limit - 1][OPENED_AT] if more else None, reaches_open and not more
    )


class Part(NamedTuple):
    """A SELECT of CANDLE_COLUMNS as they are stored: microseconds and ticks."""

    sql: str
    parameters: list[int]


def _closed(
    instrument: Instrument, timeframe_s: int, start: int | None, before: int, most: int
) -> Part:
    """Return the first `most` candles from `start` on, or the last of them, `before` a moment."""
    where = "instrument_id = %s AND timeframe = %s AND opened_at < %s"
    parameters = [instrument.pk, timeframe_s, before]
    if start is not None:
        where += " AND opened_at >= %s"
        parameters.append(start)
    order = "opened_at DESC" if start is None else "opened_at"
    return Part(
        f"SELECT * FROM (SELECT {STORED} FROM quotes_candle "  # noqa: S608
        f"WHERE {where} ORDER BY {order} LIMIT %s) AS closed",
        [*parameters, most],
    )


def _pieces(instrument: Instrument, timeframe_s: int, now: int) -> list[Part]:
    """Return what the candle open at `now` is made of, as candles that tile it.

    The closed candles within it, the longest first, and the ticks of the last minute.
    """
    parts = []
    for finer, coarser in pairwise(SECONDS[: SECONDS.index(timeframe_s) + 1]):
        begin, end = opened_at(now, coarser), opened_at(now, finer)
        if begin < end:
            parts.append(
                Part(
                    f"SELECT {STORED} FROM quotes_candle "  # noqa: S608
                    "WHERE instrument_id = %s AND timeframe = %s "
                    "AND opened_at >= %s AND opened_at < %s",
                    [instrument.pk, finer, begin, end],
                )
            )
    return [*parts, _last_minute(instrument, now)]


def _last_minute(instrument: Instrument, now: int) -> Part:
    """Return the candle of the ticks of the minute of `now` up to it."""
    minute = opened_at(now, SECONDS[0])
    ticks = "FROM quotes_quote WHERE instrument_id = %s AND at >= %s AND at <= %s"
    first, last = (f"(SELECT ticks {ticks} ORDER BY at {way} LIMIT 1)" for way in ("ASC", "DESC"))
    return Part(
        f"SELECT CAST(%s AS BIGINT), {first}, max(ticks), min(ticks), {last}, count(*), min(seq), "
        f"max(seq) {ticks}",
        [minute, *(3 * [instrument.pk, minute, now])],
    )


def _merged(opened: int, pieces: NDArray[np.int64]) -> list[int]:
    """Return the candle that pieces in ascending order make."""
    _, open_, high, low, close, count, first_seq, last_seq = pieces.T
    return [
        opened, open_[0], high.max(), low.min(), close[-1], count.sum(), first_seq[0], last_seq[-1],
    ]  # fmt: skip


def _rows(candles: NDArray[np.int64], lattice: Lattice) -> list[Row]:
    """Return candles as they are stored as rows for the wire."""
    opened, *counted = candles[:, [0, 5, 6, 7]].T.tolist()
    ohlc = prices(candles[:, 1:5], lattice).T.tolist()
    return list(zip((at // 1000 for at in opened), *ohlc, *counted, strict=True))


def regimes(
    instrument: Instrument, start: int | None, end: int | None, limit: int, after: int = 0
) -> Page:
    """Return the regimes in force at some moment of start <= t < end (microseconds).

    Keyed by first_seq; those after the one of `after`.
    """
    begin = EARLIEST if start is None else start
    where = ["first_seq > %s"]
    parameters = [after]
    if start is not None:
        where.append("(next_at > %s OR next_at IS NULL)")
        parameters.append(start)
    if end is not None:
        where.append("at < %s")
        parameters.append(end)
    rows = fetch(
        "SELECT phi, at / 1000, next_at / 1000, first_seq, next_first_seq - 1 FROM ("  # noqa: S608
        "SELECT *, lead(at) OVER following AS next_at, "
        "lead(first_seq) OVER following AS next_first_seq FROM quotes_regime "
        "WHERE instrument_id = %s AND first_seq >= COALESCE((SELECT first_seq FROM quotes_regime "
        "WHERE instrument_id = %s AND at <= %s ORDER BY at DESC LIMIT 1), 0) "
        "WINDOW following AS (ORDER BY first_seq)) AS spans "
        f"WHERE {' AND '.join(where)} ORDER BY first_seq LIMIT %s",
        [instrument.pk, instrument.pk, begin, *parameters, limit + 1],
    )
    more = len(rows) > limit
    return Page(rows[:limit], rows[limit - 1][3] if more else None)
