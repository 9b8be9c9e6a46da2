"""Reads of recorded quotes, candles and regimes, each a range scan of an index."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from archive.columns import Columns, joined
from archive.database import Row, fetch
from archive.instruments import Newest, find_with_newest
from archive.rangescans import chunks, read, read_together
from archive.selections import LOWEST, Selection, Span, select
from instruments.models import Instrument
from market.aggregations import Aggregation
from market.candles import Candles, coarsen
from market.keys import row_key
from market.timeframes import SECONDS, opened_at
from quotes.kinds import CANDLES, QUOTE_CANDLES, QUOTES
from web.tables import Page

QUOTE_COLUMNS: Final = QUOTES.column_names
CANDLE_COLUMNS: Final = CANDLES.column_names
REGIME_COLUMNS: Final = ("phi", "started_at", "ended_at", "first_seq", "last_seq")
MOST_PIECES: Final = 1_000
"""More candles than an open candle of any timeframe is made of."""


class ColumnPage(NamedTuple):
    """Ascending rows; `more_after` is the key to continue after, None at the end."""

    columns: Columns
    more_after: int | None
    open_candle: bool = False

    @property
    def rows(self) -> Sequence[Row]:
        return self.columns.rows()


def instrument_and_newest(
    symbol: str, of: Aggregation = QUOTE_CANDLES
) -> tuple[Instrument, Newest | None] | None:
    """Return an instrument and the newest record of those that its candles are made of."""
    return find_with_newest(symbol, of.kind)


def quotes(
    instrument: Instrument, since_seq: int, start: int | None, end: int | None, limit: int
) -> ColumnPage:
    """Return quotes after `since_seq` with start <= at < end (microseconds), keyed by seq."""
    selection = select(QUOTES, instrument.pk, span=Span(start, end), since=since_seq)
    return page(selection, instrument, limit, "seq")


def page(selection: Selection, instrument: Instrument, limit: int, key: str) -> ColumnPage:
    """Return the first `limit` rows of a selection, keyed by the field `key`."""
    found = read(selection, instrument.lattice, limit + 1)
    if len(found) <= limit:
        return ColumnPage(found, None)
    return ColumnPage(found.part(slice(limit)), int(found[key][limit - 1]))


def candles(
    instrument: Instrument, timeframe_s: int, start: int | None, end: int | None, limit: int
) -> ColumnPage:
    """Return candles with start <= opened_at < end (microseconds), keyed by opened_at in ms.

    Without `start` the newest `limit` of them. The open one is last where the span reaches it.
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
    of: Aggregation = QUOTE_CANDLES,
) -> ColumnPage:
    """Return `candles` as of the record `newest`, whatever is recorded meanwhile."""
    if newest is None:
        return ColumnPage(_columns(instrument, np.empty(0, of.dtype), of), None)
    opened = opened_at(newest.at, timeframe_s)
    reaches_open = reaches(opened, start, end)
    parts = [(_closed(instrument, timeframe_s, start, end, opened, of),
              limit + 1 if start is not None else limit - reaches_open)]  # fmt: skip
    if reaches_open:
        pieces = _pieces(instrument, timeframe_s, newest.at, of)
        parts += [(piece, MOST_PIECES) for piece in pieces]
    found = read_together(parts, instrument.lattice)
    if reaches_open:
        found = _with_open(instrument, found, timeframe_s, newest, of)
    if start is None or len(found) <= limit:
        return ColumnPage(found, None, reaches_open)
    last = int(found["opened_at"][limit - 1])
    return ColumnPage(found.part(slice(limit)), last // 1000)


def every_candle(
    instrument: Instrument,
    newest: Newest | None,
    timeframe_s: int,
    start: int | None = None,
    end: int | None = None,
    of: Aggregation = QUOTE_CANDLES,
) -> Iterator[Columns]:
    """Yield all candles as of the record `newest`, in chunks, the open one last."""
    if newest is None:
        yield _columns(instrument, np.empty(0, of.dtype), of)
        return
    opened = opened_at(newest.at, timeframe_s)
    closed = replace(_closed(instrument, timeframe_s, start, end, opened, of), newest=False)
    yield from chunks(closed, instrument.lattice)
    if reaches(opened, start, end):
        yield candles_until(instrument, newest, timeframe_s, opened, None, 1, of).columns


def reaches(opened: int, start: int | None, end: int | None) -> bool:
    """Return whether a candle that opened then belongs to a span."""
    return (start is None or start <= opened) and (end is None or opened < end)


def _closed(
    instrument: Instrument,
    timeframe_s: int,
    start: int | None,
    end: int | None,
    opened: int,
    of: Aggregation,
) -> Selection:
    """Return the candles of a span that closed before the one that opened at `opened`."""
    span = Span(start, opened if end is None else min(end, opened))
    where = {"timeframe": timeframe_s}
    return select(of.table, instrument.pk, span=span, where=where, newest=start is None)


def _pieces(instrument: Instrument, timeframe_s: int, now: int, of: Aggregation) -> list[Selection]:
    """Return the closed candles, the longest first, that tile the candle open at `now`.

    They end where the minute of `now` begins.
    """
    steps = pairwise(SECONDS[: SECONDS.index(timeframe_s) + 1])
    bounds = [(fine, opened_at(now, coarse), opened_at(now, fine)) for fine, coarse in steps]
    return [
        select(of.table, instrument.pk, span=Span(start, end), where={"timeframe": fine})
        for fine, start, end in bounds
        if start < end
    ]


def _with_open(
    instrument: Instrument, found: Columns, timeframe_s: int, newest: Newest, of: Aggregation
) -> Columns:
    """Return closed candles, and one of the pieces after them and the last minute's records."""
    opened = opened_at(newest.at, timeframe_s)
    closed = int(np.searchsorted(found["opened_at"], opened))
    pieces = np.empty(len(found) - closed, of.dtype)
    for name in of.dtype.names or ():
        pieces[name] = found[name][closed:]
    minute = of.candles(_last_minute(instrument, newest, of), SECONDS[0])
    merged = coarsen(np.concatenate([pieces, minute]), timeframe_s)
    return joined([found.part(slice(closed)), _columns(instrument, merged, of)])


def _last_minute(instrument: Instrument, newest: Newest, of: Aggregation) -> Columns:
    """Return the records of the minute of the newest one, up to that."""
    span = Span(opened_at(newest.at, SECONDS[0]))
    minute = select(of.kind, instrument.pk, span=span, fields=of.fields)
    upto = minute.within(before=row_key(instrument.pk, newest.seq) + 1)
    return read(upto, instrument.lattice)


def _columns(instrument: Instrument, candles: Candles, of: Aggregation) -> Columns:
    numbers = {column.field: candles[column.field] for column in of.table.columns}
    return Columns(of.table, instrument.lattice, numbers)


def regimes(
    instrument: Instrument, start: int | None, end: int | None, limit: int, after: int = 0
) -> Page:
    """Return the regimes in force at some moment of start <= t < end (microseconds).

    Keyed by first_seq; those after the one of `after`.
    """
    begin = LOWEST if start is None else start
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
