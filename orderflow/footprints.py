"""Pages of clusters as JSON rows: closed ones from the cache or the database, the open one last."""

from typing import Final, NamedTuple

import numpy as np

from archive.columns import Columns
from archive.instruments import Newest
from archive.scanning import scan
from archive.selections import Span
from instruments.models import Instrument
from market.timeframes import opened_at
from orderflow.clusters import Clusters, Integers, in_steps
from orderflow.history import open_cluster
from orderflow.kinds import CLUSTERS
from orderflow.rowtexts import row_texts
from orderflow.stepping import auto_steps, known_steps
from orderflow.stretches import Wanted, rows

AUTO: Final = 0
"""As a step: chosen for each candle."""
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
    if is_last and len(found):
        seq = int(found["number"][-1])
    else:
        seq = closed_before(instrument, timeframe_s, opened)
    times = np.append(found["opened_at"], opened) if is_last else found["opened_at"]
    steps = marked_steps(instrument, timeframe_s, step, times, found["mark"])
    wanted = Wanted(found["opened_at"], found["mark"], steps[: len(found)])
    texts = rows(instrument, timeframe_s, wanted)
    if is_last:
        texts.append(row_of(instrument, open_cluster(instrument, newest, timeframe_s), steps[-1]))
    after = int(found["opened_at"][-1]) // 1000 if more else None
    return Page(texts, after, is_last, seq)


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


def closed_before(instrument: Instrument, timeframe_s: int, opened: int) -> int:
    """Return the number of the newest cluster that closed before this one opened, 0 if none did."""
    found = closed_keys(instrument, timeframe_s, Span(), opened, 1)
    return int(found["number"][0]) if len(found) else 0


def closed_rows(instrument: Instrument, timeframe_s: int, step: int, keys: Columns) -> list[bytes]:
    """Return the rows of closed clusters; `step` may be AUTO."""
    times = keys["opened_at"]
    steps = marked_steps(instrument, timeframe_s, step, times, keys["mark"])
    return rows(instrument, timeframe_s, Wanted(times, keys["mark"], steps))


def marked_steps(
    instrument: Instrument, timeframe_s: int, step: int, opened: Integers, marks: Integers
) -> Integers:
    """Return `steps_of` candles up to the one after the cluster with the last of the marks."""
    if step == AUTO and len(marks):
        return known_steps(instrument, timeframe_s, opened.tobytes(), int(marks[-1]))
    return steps_of(instrument, timeframe_s, step, opened)


def steps_of(instrument: Instrument, timeframe_s: int, step: int, opened: Integers) -> Integers:
    """Return the step of each candle; `step` may be AUTO."""
    if step == AUTO:
        return auto_steps(instrument, timeframe_s, opened)
    return np.full(len(opened), step, np.int64)


def open_row(instrument: Instrument, newest: Newest, timeframe_s: int, step: int) -> bytes:
    """Return the row of the cluster that is open at the trade `newest`."""
    cluster = open_cluster(instrument, newest, timeframe_s)
    (own,) = steps_of(instrument, timeframe_s, step, cluster["opened_at"])
    return row_of(instrument, cluster, own)


def row_of(instrument: Instrument, cluster: Clusters, step: np.int64) -> bytes:
    """Return the row of a cluster of one tick per row, in steps."""
    return row_texts(in_steps(cluster, int(step)), int(step), instrument.lattice)[0]
