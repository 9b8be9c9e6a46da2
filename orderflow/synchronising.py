"""What a client lacks of the clusters that it wants."""

from typing import NamedTuple

from archive.columns import Columns, joined
from archive.database import fetch
from archive.instruments import Newest
from archive.rangescans import scan
from archive.selections import Span
from instruments.models import Instrument
from market.timeframes import opened_at
from orderflow.footprints import (
    KEYS,
    closed_keys,
    closed_rows,
    last_number,
    newest_key,
    open_row,
    reaches,
)
from orderflow.kinds import CLUSTERS
from orderflow.ranges import Held, Range, gaps, united


class Missing(NamedTuple):
    """What to add to what a client holds; times in microseconds.

    `rows`: JSON texts, ascending. `held`: what the client holds then. `stale`: what it must discard
    first. `open_row`: None unless the span reaches the open cluster.
    """

    wanted: Range
    rows: list[bytes]
    held: list[Held]
    stale: list[Held]
    open_row: bytes | None
    seq: int
    is_complete: bool


def missing(
    instrument: Instrument,
    newest: Newest,
    timeframe_s: int,
    step: int,
    span: Span,
    held: list[Held],
    limit: int,
) -> Missing:
    """Return what a client lacks of a span, as of the trade `newest`.

    Of more than `limit` missing clusters the newest. Without a start, the span is that of the
    newest `limit` clusters.
    """
    opened = opened_at(newest.at, timeframe_s)
    wanted = wanted_range(instrument, timeframe_s, span, opened, limit)
    valid = [each for each in held if is_valid(instrument, timeframe_s, each)]
    known = [each._replace(end=min(each.end, opened)) for each in valid if each.start < opened]
    found, covered = lacking(instrument, timeframe_s, gaps(wanted, known), limit)
    before = newest_key(instrument, timeframe_s, opened)
    has_open = reaches(opened, span)
    rows = closed_rows(instrument, timeframe_s, step, found).texts if found else []
    return Missing(
        wanted=wanted,
        rows=rows,
        held=united([*known, *covered]),
        stale=[each for each in held if each not in valid],
        open_row=open_row(instrument, newest, timeframe_s, step, before) if has_open else None,
        seq=last_number(before),
        is_complete=not gaps(wanted, united([*known, *covered])),
    )


def wanted_range(
    instrument: Instrument, timeframe_s: int, span: Span, opened: int, limit: int
) -> Range:
    """Return the closed part of a span."""
    end = opened if span.end is None else min(span.end, opened)
    if span.start is not None:
        return Range(min(span.start, end), end)
    keys = closed_keys(instrument, timeframe_s, span, opened, limit)
    return Range(int(keys["opened_at"][0]) if len(keys) else end, end)


def is_valid(instrument: Instrument, timeframe_s: int, held: Held) -> bool:
    """Return whether the last cluster of a range is the one that the client has."""
    found = fetch(
        f"SELECT mark FROM {CLUSTERS.table} WHERE instrument_id = %s AND timeframe = %s "  # noqa: S608
        "AND opened_at >= %s AND opened_at < %s ORDER BY opened_at DESC LIMIT 1",
        [instrument.pk, timeframe_s, held.start, held.end],
    )
    return held.mark == (int(found[0][0]) if found else 0)


def lacking(
    instrument: Instrument, timeframe_s: int, missed: list[Range], limit: int
) -> tuple[Columns | None, list[Held]]:
    """Return the newest `limit` clusters of ascending ranges, and the ranges that they complete."""
    parts: list[Columns] = []
    covered: list[Held] = []
    left = limit
    for start, end in reversed(missed):
        found = scan(
            CLUSTERS, instrument, span=Span(start, end), where={"timeframe": timeframe_s},
            fields=KEYS, newest=True, limit=left + 1,
        )  # fmt: skip
        is_cut = len(found) > left
        found = found.part(slice(1, None)) if is_cut else found
        left -= len(found)
        if len(found):
            parts.insert(0, found)
        begin = start if not is_cut else int(found["opened_at"][0]) if len(found) else end
        if begin < end:
            covered.append(Held(begin, end, int(found["mark"][-1]) if len(found) else 0))
        if is_cut:
            break
    return (joined(parts) if parts else None), covered
