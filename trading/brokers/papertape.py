"""Recorded trades and levels of a market, fed to a paper venue as they happened."""

from collections.abc import Iterator
from heapq import merge
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from archive.database import fetch
from archive.rangescans import scan
from archive.selections import Span
from exchange.depth.history import NOW, book_at, changes_between, first_at, last_at
from exchange.engine.messages import BUY, SELL
from exchange.kinds import TRADES
from instruments.models import Instrument
from journal.models import Stream
from market.keys import key_range
from trading.brokers.papermarkets import Market
from trading.brokers.papervenue import PaperVenue
from venues.brokers import NotSentError

WINDOW_US: Final = 600_000_000
"""Of recorded data that are read at once."""
TRADE, LEVEL = 0, 1
TRADE_FIELDS: Final = ("at", "side", "ticks", "lots")
REMOVED: Final = "Retention removed market data before they could fill this order."
Event: TypeAlias = tuple[int, int, int, int, int]
"""Time, TRADE or LEVEL, side, ticks, lots. At the same time, trades come before levels."""


def show(market: Market, instrument: Instrument, at: int = NOW) -> int:
    """Show the recorded book of a moment, or the newest; return its time, 0 if there is none."""
    stored = book_at(instrument.pk, at)
    if stored is None:
        return 0
    for side in (BUY, SELL):
        levels = stored.book.levels(side)
        for ticks, lots in zip(levels.ticks.tolist(), levels.lots.tolist(), strict=True):
            market.book.show(side, ticks, lots)
    return stored.at


class Gap(NamedTuple):
    """A time of which records were removed while orders rested, and the orders that it ended."""

    symbol: str
    start: int
    end: int
    client_ids: list[str]


def feed(venue: PaperVenue, instrument: Instrument) -> Gap | None:
    """Feed what was recorded since a venue was fed last.

    If retention has removed some of it, nobody knows what would have traded: then orders end, and
    the market continues from now on.
    """
    market, begins = venue.markets[instrument.symbol], complete_from(instrument.pk)
    if market.at < begins:
        gap = Gap(instrument.symbol, market.at, begins, venue.give_up(instrument.symbol, REMOVED))
        market.at = show(market, instrument)
        return gap
    _feed(venue, instrument)
    return None


def complete_from(instrument_id: int) -> int:
    """Return since when all trades and changes of a book are stored, in microseconds."""
    return max(first_at(instrument_id) or NOW, _trades_from(instrument_id))


def _trades_from(instrument_id: int) -> int:
    """Return when the first trade that retention has left happened, 0 if it removed none."""
    stream = Stream.objects.filter(instrument=instrument_id, kind=TRADES.name)
    pruned = stream.values_list("pruned_seq", flat=True).first()
    if not pruned:
        return 0
    lowest, end = key_range(instrument_id)
    found = fetch(
        f"SELECT at FROM {TRADES.table} WHERE id > %s AND id < %s ORDER BY id LIMIT 1",  # noqa: S608
        [lowest + pruned, end],
    )
    return int(found[0][0]) if found else NOW


def _feed(venue: PaperVenue, instrument: Instrument) -> None:
    market, newest = venue.markets[instrument.symbol], last_at(instrument.pk) or 0
    venue.advance_to(instrument.symbol, market.at)
    while market.at < newest:
        end = min(newest, market.at + WINDOW_US)
        for at, kind, side, ticks, lots in _events(instrument, market.at, end):
            if kind == TRADE:
                venue.trade(instrument.symbol, side, ticks, lots, at)
            else:
                venue.level(instrument.symbol, side, ticks, lots, at)
        venue.advance_to(instrument.symbol, end)


def _events(instrument: Instrument, start: int, end: int) -> Iterator[Event]:
    """Return the trades and changes at start < t <= end."""
    span = Span(start + 1, end + 1)
    traded = scan(TRADES, instrument, span=span, fields=TRADE_FIELDS)
    columns = (traded[name].tolist() for name in TRADE_FIELDS)
    trades: Iterator[Event] = ((at, TRADE, *rest) for at, *rest in zip(*columns, strict=True))
    found = changes_between(instrument.pk, start, end)
    if found is None:  # removed since we looked: the next call finds the gap
        raise NotSentError(f"the book of {instrument.symbol} is being removed: ask again")
    updates = found.updates.tolist()
    levels: Iterator[Event] = ((at, LEVEL, side, ticks, lots) for at, side, ticks, lots in updates)
    return merge(trades, levels, key=itemgetter(0, 1))
