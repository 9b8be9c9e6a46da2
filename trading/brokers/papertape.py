"""Recorded trades and levels of a market, fed to a paper venue as they happened."""

from collections.abc import Iterator
from heapq import merge
from operator import itemgetter
from typing import Final, TypeAlias

from archive.scanning import scan
from archive.selections import Span
from exchange.depth.history import NOW, book_at, changes_between, last_at
from exchange.engine.messages import BUY, SELL
from exchange.kinds import TRADES
from instruments.models import Instrument
from trading.brokers.papermarkets import Market
from trading.brokers.papervenue import PaperVenue

WINDOW_US: Final = 600_000_000
"""Of recorded data that are read at once."""
TRADE, LEVEL = 0, 1
TRADE_FIELDS: Final = ("at", "side", "ticks", "lots")
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


def feed(venue: PaperVenue, instrument: Instrument) -> None:
    """Feed what was recorded since a venue was fed last."""
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
    updates = [] if found is None else found.updates.tolist()
    levels: Iterator[Event] = ((at, LEVEL, side, ticks, lots) for at, side, ticks, lots in updates)
    return merge(trades, levels, key=itemgetter(0, 1))
