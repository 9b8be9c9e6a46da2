"""Recorded rows as columns of numbers, for Arrow, NumPy and pandas: a million rows a second.

The database hands over one text per column, read at once; see archive/scans.py.
"""

from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from archive.scans import fetch_columns
from instruments.lattice import Lattice
from instruments.models import Instrument
from market.timeframes import opened_at
from quotes.http import history
from quotes.http.history import CANDLE_COLUMNS, Newest, prices

MOST_COLUMN_ROWS: Final = 1_000_000
AT: Final = pa.timestamp("us", tz="UTC")


class Columns(NamedTuple):
    """A table in ascending order; `more_after` is the key to go on after, None at the end."""

    table: pa.Table
    more_after: int | None


def quote_columns(
    instrument: Instrument,
    since_seq: int = 0,
    start: int | None = None,
    end: int | None = None,
    limit: int = MOST_COLUMN_ROWS,
) -> Columns:
    """Return seq, at, price as `history.quotes` does (microseconds), with exact times."""
    after, before = history.quote_range(instrument, since_seq, start, end)
    seq, at, ticks = fetch_columns(
        ("seq", "at", "ticks"),
        "SELECT seq, at, ticks FROM quotes_quote WHERE id > %s AND id < %s ORDER BY id LIMIT %s",
        [after, before, limit + 1],
    )
    more = len(seq) > limit
    table = pa.table(
        {
            "seq": seq[:limit],
            "at": pa.array(at[:limit]).cast(AT),
            "price": prices(ticks[:limit], instrument.lattice),
        }
    )
    return Columns(table, int(seq[limit - 1]) if more else None)


def candle_columns(
    instrument: Instrument,
    newest: Newest | None,
    timeframe_s: int,
    start: int | None = None,
    end: int | None = None,
    limit: int = MOST_COLUMN_ROWS,
) -> Columns:
    """Return candles as `history.candles_until` does: the open one last, where it is reached."""
    if newest is None:
        return Columns(_candles([np.empty(0, np.int64)] * 8, instrument.lattice), None)
    opened = opened_at(newest.at, timeframe_s)
    reaches_open = (start is None or start <= opened) and (end is None or opened < end)
    before = opened if end is None else min(end, opened)
    where = "instrument_id = %s AND timeframe = %s AND opened_at < %s"
    parameters = [instrument.pk, timeframe_s, before]
    if start is not None:
        where += " AND opened_at >= %s"
        parameters.append(start)
    most = limit + 1 if start is not None else limit - reaches_open
    newest_first = "DESC" if start is None else "ASC"
    numbers = fetch_columns(
        CANDLE_COLUMNS,
        f"SELECT {', '.join(CANDLE_COLUMNS)} FROM quotes_candle WHERE {where} "  # noqa: S608
        f"ORDER BY opened_at {newest_first} LIMIT %s",
        [*parameters, most],
    )
    if start is None:
        numbers = [column[::-1] for column in numbers]
    found = _candles([np.ascontiguousarray(column[:limit]) for column in numbers],
                     instrument.lattice)  # fmt: skip
    count = len(numbers[0])
    if start is not None and (count > limit or (reaches_open and count == limit)):
        return Columns(found, int(numbers[0][limit - 1]) // 1000)
    if reaches_open:
        found = pa.concat_tables([found, _open_candle(instrument, newest, timeframe_s)])
    return Columns(found, None)


def _open_candle(instrument: Instrument, newest: Newest, timeframe_s: int) -> pa.Table:
    row = history.candles_until(instrument, newest, timeframe_s, None, None, 1).rows[-1]
    at, *values = row
    names = CANDLE_COLUMNS[1:]
    columns = {name: pa.array([value]) for name, value in zip(names, values, strict=True)}
    return pa.table({"opened_at": pa.array([at * 1000]).cast(AT), **columns})


def _candles(numbers: list[NDArray[np.int64]], lattice: Lattice) -> pa.Table:
    opened, *ohlc = numbers[:5]
    drawn = {
        name: prices(column, lattice)
        for name, column in zip(CANDLE_COLUMNS[1:5], ohlc, strict=True)
    }
    counted = dict(zip(CANDLE_COLUMNS[5:], numbers[5:], strict=True))
    return pa.table({"opened_at": pa.array(opened).cast(AT), **drawn, **counted})
