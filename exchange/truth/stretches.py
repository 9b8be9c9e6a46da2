"""Stretches of recorded slots, as samples for the truth."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from archive import records
from archive.rangescans import scan
from archive.selections import EVER, Span
from exchange.depth.depthbook import DepthBook
from exchange.depth.history import book_at
from exchange.flow.parameters import FlowParameters
from exchange.kinds import BLOCKS, FLOW, TRADES
from exchange.matching import BUY, LEVEL, SELL
from exchange.truth.exact import Sample, sample_of
from exchange.truth.shape import BookSample, lots_by_distance
from instruments.models import Instrument
from market.kinds import Kind, Rows, rows_of
from quotes.kinds import QUOTES, REGIMES
from quotes.models import Run

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

FEWEST_SLOTS: Final = 300
SETTLING: Final = 10
"""A book has forgotten how it began after this many times 1 / theta slots."""
PARAMETERS: Final = tuple(field.name for field in fields(FlowParameters))


class NoStretchError(LookupError):
    """There are too few recorded slots; the text is for clients."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Consecutive slots of one run of the law with one set of flow parameters.

    `at` (n + 1,): microseconds since 1970 UTC of the quote before the first slot and of each.
    """

    instrument: Instrument
    first: int
    at: Integers
    sample: Sample
    parameters: FlowParameters
    account_trades: int
    """Trades in which an order of an account took part."""

    @property
    def slots(self) -> int:
        return len(self.at) - 1

    @property
    def last(self) -> int:
        return self.first + self.slots - 1


def read_stretch(instrument: Instrument, most: int, span: Span = EVER) -> Stretch:
    """Return the newest complete slots, at most `most`, whose quotes are in `span`.

    Raise NoStretchError if there are fewer than FEWEST_SLOTS.
    """
    first, last = _bounds(instrument, most, span)
    quotes = records.read(QUOTES, instrument, first - 2, last)
    if len(quotes) < 2:
        raise _too_few(instrument, 0)
    start, end = int(quotes["at"][0]), int(quotes["at"][-1])
    regimes = _in_force(REGIMES, instrument, start, end)
    flow = _in_force(FLOW, instrument, start, end)
    trades = _trades(instrument, start, end, last)
    begins = (
        quotes["seq"][1:2],
        regimes["first_seq"][:1],
        flow["first_slot"][_last_change(flow) :][:1],
        trades["slot"][:1] + 1,  # the first one may not be the first of its slot
    )
    first = max(int(begin[0]) if len(begin) else last + 1 for begin in begins)
    if last - first + 1 < FEWEST_SLOTS:
        raise _too_few(instrument, last - first + 1)
    quotes, trades = quotes[quotes["seq"] >= first - 1], trades[trades["slot"] >= first]
    slots = quotes["seq"][1:]
    phi = _by_slot(regimes, "first_seq", "phi", slots)
    kappa = _by_slot(flow, "first_slot", "kappa", slots)
    parameters = FlowParameters(**{name: flow[name][-1].item() for name in PARAMETERS})
    return Stretch(
        instrument=instrument,
        first=first,
        at=quotes["at"],
        sample=sample_of(quotes["ticks"], phi, kappa, parameters.alpha, first, trades),
        parameters=parameters,
        account_trades=int(((trades["maker"] < 0) | (trades["taker"] < 0)).sum()),
    )


def _bounds(instrument: Instrument, most: int, span: Span) -> tuple[int, int]:
    """Return the first and the last slot, of the newest run of the law in the span."""
    block = scan(BLOCKS, instrument, limit=1, newest=True, fields=("slot",))
    quote = scan(QUOTES, instrument, limit=1, newest=True, span=Span(None, span.end))
    if not len(block) or not len(quote):
        raise _too_few(instrument, 0)
    last = min(int(block["slot"][0]) - 1, int(quote["seq"][0]))
    runs = Run.objects.filter(instrument=instrument, first_seq__lte=last)
    begun = runs.order_by("first_seq").values_list("first_seq", flat=True).last()
    first = max(last - most + 1, 1 + (begun or 1))  # the price before it is that of a quote
    if span.start is not None:
        quote = scan(QUOTES, instrument, limit=1, span=Span(span.start))
        first = max(first, int(quote["seq"][0]) if len(quote) else last + 1)
    return first, last


def _in_force(kind: Kind, instrument: Instrument, start: int, end: int) -> Rows:
    """Return the records of what applied from `start` to `end`, both inclusive."""
    before = scan(kind, instrument, limit=1, newest=True, span=Span(None, start + 1))
    seq = int(before["seq"][0]) if len(before) else 1
    last = scan(kind, instrument, limit=1, newest=True, span=Span(None, end + 1))
    return records.read(kind, instrument, seq - 1, int(last["seq"][0]) if len(last) else 0)


def _last_change(flow: Rows) -> int:
    """Return the index of the record from which on no parameter but kappa changed."""
    values = np.array([[row[name] for name in PARAMETERS] for row in flow])
    changed = np.flatnonzero((values[1:] != values[:-1]).any(axis=-1))
    return int(changed[-1]) + 1 if len(changed) else 0


def _trades(instrument: Instrument, start: int, end: int, last: int) -> Rows:
    """Return the trades from `start` to `end` in slots up to `last`."""
    names = [name for name in TRADES.dtype.names or () if name != "instrument"]
    found = scan(TRADES, instrument, span=Span(start, end + 1), fields=names)
    rows = rows_of(TRADES, instrument.pk, found.numbers)
    return rows[rows["slot"] <= last]


def _by_slot(rows: Rows, field: str, value: str, slots: Integers) -> Floats:
    """Return the value in force in each slot; `field`: the first slot of each record."""
    found: Floats = rows[value][np.searchsorted(rows[field], slots, side="right") - 1]
    return found


def read_books(stretch: Stretch, most: int) -> BookSample | None:
    """Return up to `most` books just before the steps that end slots, evenly spaced.

    The first slots are left out, because a book that has just opened knows nothing of the price
    before. None if no book is stored.
    """
    settling = int(SETTLING / stretch.parameters.theta)
    chosen = np.linspace(settling, stretch.slots - 1, most).astype(int)
    slots, lots, spreads = [], [], []
    for slot in np.unique(chosen[chosen >= settling]).tolist():
        stored = book_at(stretch.instrument.pk, int(stretch.at[slot + 1]) - 1)
        if stored is None:
            continue
        bids, asks = (level_rows(stored.book, side) for side in (BUY, SELL))
        if len(bids) and len(asks):
            law = int(stretch.sample.ticks[slot])
            slots.append(slot)
            lots.append(lots_by_distance(bids, asks, law, stretch.parameters.levels))
            spreads.append(int(asks["ticks"][0] - bids["ticks"][0]))
    if not slots:
        return None
    return BookSample(
        stretch.sample.ticks,
        np.array(slots),
        np.array(lots),
        np.array(spreads),
        stretch.parameters,
    )


def level_rows(book: DepthBook, side: int) -> Rows:
    """Return the levels of a side as LEVEL rows, best first."""
    levels = book.levels(side)
    rows = np.zeros(len(levels.ticks), LEVEL)
    rows["ticks"], rows["lots"] = levels.ticks, levels.lots
    return rows


def _too_few(instrument: Instrument, slots: int) -> NoStretchError:
    return NoStretchError(
        f"{instrument.symbol} has {max(0, slots):,} slots with a recorded book here: "
        f"a comparison with the truth needs {FEWEST_SLOTS}"
    )
