"""What the measures of order flow read: recorded trades, and the best prices of recorded books."""

from typing import Any, Final

import numpy as np

from archive import records
from archive.rangescans import scan
from archive.selections import Span
from exchange.depth.history import changes_between
from exchange.kinds import BLOCKS, TRADES
from indicators.estimate import IntArray
from indicators.readers import Bounds, Measures, Reader, RecordReader
from indicators.windows import Points
from instruments.models import Instrument
from market.kinds import Kind
from market.times import to_microseconds
from orderflow.measures.bests import SLOT, SlotRows, slot_rows
from orderflow.measures.samples import TRADE
from orderflow.truths import exact_values
from quotes.kinds import QUOTES

POINT: Final = np.dtype([*TRADE.descr, ("seq", np.int64)])
FIELDS: Final = tuple(name for name in POINT.names or ())
SLOTS_AT_ONCE: Final = 2_000
"""Slots whose changes of the book are in memory at a time: about 140,000 changes."""
NOBODY: Final = (1, 0)
"""Positions where no window ends."""


class FlowReader(Reader):
    """Points of instruments with a book, measured against exact values of the flow."""

    are_numbers = False
    of_books = True
    truth_name = "exact"

    def truths(
        self, measures: Measures, instrument: Instrument, first_seq: IntArray, last_seq: IntArray
    ) -> list[list[float | None]]:
        return exact_values(measures, instrument, first_seq, last_seq)


class TradesReader(FlowReader, RecordReader):
    """Every trade; a position is its seq."""

    def _points(self, instrument: Instrument, **which: Any) -> Points:
        found = scan(TRADES, instrument, fields=(*FIELDS, "at"), **which)
        values = np.empty(len(found), POINT)
        for name in FIELDS:
            values[name] = found[name]
        return Points(values, found["at"], values["slot"], values["slot"])

    def positions(self, points: Points) -> IntArray:
        return np.asarray(points.values["seq"])

    def known_at(self, instrument: Instrument, position: int) -> int:
        return int(records.read(TRADES, instrument, position - 1, position)["at"][0])

    def window_ends(self, instrument: Instrument, n: int, span: Bounds) -> tuple[int, int]:
        oldest = scan(TRADES, instrument, fields=("seq",), limit=1)
        first, last = ends_of(TRADES, instrument, span)
        begun = int(oldest["seq"][0]) if len(oldest) else 0
        return max(first, begun + n - 1), last


class BestsReader(FlowReader):
    """The imbalance of each slot and the change of the mid price in it; a position is the slot."""

    def newest(self, instrument: Instrument, n: int, until: int | None) -> Points:
        """Return the newest slots of the recorded book, which may be behind the quotes."""
        first, last = recorded_slots(instrument)
        newest = records.read(QUOTES, instrument, max(first, last) - 1, last)
        if not len(newest):
            return nothing(SLOT)
        end = int(newest["at"][0])
        span = Span(None, 1 + (end if until is None else min(end, until)))
        return self._points(instrument, span=span, newest=True, limit=n + 1)

    def between(self, instrument: Instrument, start: int, end: int) -> Points:
        before = scan(QUOTES, instrument, span=Span(None, start), newest=True, limit=1)
        began = int(before["at"][0]) if len(before) else start
        return self._points(instrument, span=Span(began, end))

    def _points(self, instrument: Instrument, **which: Any) -> Points:
        first, last = recorded_slots(instrument)
        if last < first:
            return nothing(SLOT)
        quotes = scan(QUOTES, instrument, fields=("seq", "at"), **which)
        known = (quotes["seq"] >= first - 1) & (quotes["seq"] <= last)
        seq, at = quotes["seq"][known], quotes["at"][known]
        if len(at) < 2:
            return nothing(SLOT)
        parts = [at[i : i + SLOTS_AT_ONCE + 1] for i in range(0, len(at) - 1, SLOTS_AT_ONCE)]
        rows = []
        for part in parts:
            made = rows_between(instrument, part)
            if made is None:
                return nothing(SLOT)
            rows.append(made)
        return Points(np.concatenate(rows), at[1:], seq[1:], seq[1:])

    def positions(self, points: Points) -> IntArray:
        return points.last_seq

    def known_at(self, instrument: Instrument, position: int) -> int:
        return int(records.read(QUOTES, instrument, position - 1, position)["at"][0])

    def window_ends(self, instrument: Instrument, n: int, span: Bounds) -> tuple[int, int]:
        first, last = ends_of(QUOTES, instrument, span)
        begun, ended = recorded_slots(instrument)
        return max(first, begun + n - 1), min(last, ended)


def rows_between(instrument: Instrument, at: IntArray) -> SlotRows | None:
    """Return a row for each slot from one of the times `at` to the next.

    None if the book of the first time has been pruned in the meantime.
    """
    changes = changes_between(instrument.pk, int(at[0]), int(at[-1]))
    return None if changes is None else slot_rows(changes.book, changes.updates, at)


def recorded_slots(instrument: Instrument) -> tuple[int, int]:
    """Return the first and the last slot of which the book is recorded as a whole."""
    first = scan(BLOCKS, instrument, fields=("slot",), where={"is_snapshot": 1}, limit=1)
    last = scan(BLOCKS, instrument, fields=("slot",), newest=True, limit=1)
    if not len(first):
        return NOBODY
    return int(first["slot"][0]) + 1, int(last["slot"][0]) - 1


def ends_of(kind: Kind, instrument: Instrument, span: Bounds) -> tuple[int, int]:
    """Return the seqs of the first and the last record in a span; NOBODY if there are none."""
    within = Span(*(None if moment is None else to_microseconds(moment) for moment in span))
    found = [
        scan(kind, instrument, fields=("seq",), limit=1, span=within, newest=newest)["seq"]
        for newest in (False, True)
    ]
    return (int(found[0][0]), int(found[1][0])) if len(found[0]) else NOBODY


def nothing(dtype: np.dtype[Any]) -> Points:
    none = np.empty(0, np.int64)
    return Points(np.empty(0, dtype), none, none, none)
