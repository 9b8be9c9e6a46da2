"""Pages of clusters as JSON rows: closed ones from the cache or the database, the open one last."""

from typing import Final, NamedTuple

from archive.columns import Columns
from archive.instruments import Newest
from archive.rangescans import scan
from archive.selections import Span
from instruments.models import Instrument
from market.timeframes import opened_at
from orderflow.clusters import Clusters, in_steps
from orderflow.history import open_cluster
from orderflow.kinds import CLUSTERS
from orderflow.rowcache import Found, Wanted, rows
from orderflow.rowtexts import row_texts
from orderflow.stepping import AUTO, block_of, step_after

KEYS: Final = ("opened_at", "number", "mark")


class Page(NamedTuple):
    """Rows in ascending order, each a JSON text; `more_after`: epoch milliseconds, None at the end.

    `seq`: number of the newest closed cluster of the timeframe.
    """

    rows: list[bytes]
    more_after: int | None
    open_candle: bool
    seq: int


def page(
    instrument: Instrument,
    newest: Newest | None,
    timeframe_s: int,
    step: int,
    span: Span,
    limit: int,
) -> Page:
    """Return the clusters of start <= opened_at < end (microseconds) as of the trade `newest`.

    Without `start` the newest `limit` of them. The open one is last where the span reaches it.
    """
    if newest is None:
        return Page([], None, False, 0)
    opened = opened_at(newest.at, timeframe_s)
    has_open = reaches(opened, span)
    most = limit + 1 if span.start is not None else limit - has_open
    found = closed_keys(instrument, timeframe_s, span, opened, most)
    more = span.start is not None and len(found) + has_open > limit
    if more:
        found = found.part(slice(limit))
    is_last = has_open and not more
    before = found if is_last and len(found) else newest_key(instrument, timeframe_s, opened)
    texts, next_step = closed_rows(instrument, timeframe_s, step, found)
    if is_last:
        own = next_step if is_same_block(timeframe_s, before, opened) else AUTO
        texts.append(open_row(instrument, newest, timeframe_s, own or step, before))
    after = int(found["opened_at"][-1]) // 1000 if more else None
    return Page(texts, after, is_last, last_number(before))


def reaches(opened: int, span: Span) -> bool:
    """Return whether a candle that opened then belongs to a span."""
    return (span.start is None or span.start <= opened) and (span.end is None or opened < span.end)


def closed_keys(
    instrument: Instrument, timeframe_s: int, span: Span, opened: int, limit: int
) -> Columns:
    """Return opened_at, number and mark of the clusters that closed before the open one opened.

    Without a start the newest ones.
    """
    closed = Span(span.start, opened if span.end is None else min(span.end, opened))
    is_newest = span.start is None
    where = {"timeframe": timeframe_s}
    return scan(
        CLUSTERS, instrument, span=closed, where=where, fields=KEYS, newest=is_newest, limit=limit
    )


def newest_key(instrument: Instrument, timeframe_s: int, opened: int) -> Columns:
    """Return the KEYS of the newest cluster that closed before this one opened, if there is one."""
    return closed_keys(instrument, timeframe_s, Span(), opened, 1)


def last_number(keys: Columns) -> int:
    """Return the number of the last of ascending clusters, 0 if there are none."""
    return int(keys["number"][-1]) if len(keys) else 0


def closed_rows(instrument: Instrument, timeframe_s: int, step: int, keys: Columns) -> Found:
    """Return the rows of closed clusters; `step` may be AUTO."""
    return rows(instrument, timeframe_s, Wanted(keys["opened_at"], keys["mark"], step))


def is_same_block(timeframe_s: int, before: Columns, opened: int) -> bool:
    """Return whether the candle that opened then is in the block of the last of clusters."""
    if not len(before):
        return False
    last = int(before["opened_at"][-1])
    return block_of(last, timeframe_s) == block_of(opened, timeframe_s)


def open_row(
    instrument: Instrument, newest: Newest, timeframe_s: int, step: int, before: Columns
) -> bytes:
    """Return the row of the cluster that is open at the trade `newest`; `step` may be AUTO.

    `before`: KEYS of clusters that end with the newest closed one.
    """
    cluster = open_cluster(instrument, newest, timeframe_s)
    own = open_step(instrument, timeframe_s, step, cluster, before)
    return row_texts(in_steps(cluster, own), own, instrument.lattice)[0]


def open_step(
    instrument: Instrument, timeframe_s: int, step: int, cluster: Clusters, before: Columns
) -> int:
    """Return the step of an open cluster; the others as of `open_row`."""
    if step != AUTO:
        return step
    mark = int(before["mark"][-1]) if len(before) else 0
    return step_after(instrument, timeframe_s, mark, int(cluster["opened_at"][0]))
