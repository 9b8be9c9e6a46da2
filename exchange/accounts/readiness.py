"""Whether the order book of an instrument can execute orders now, and how far it is."""

from datetime import datetime
from typing import Final, NamedTuple

from exchange.kinds import BLOCKS
from exchange.models import BookBlock
from instruments.models import Instrument
from journal.models import Stream
from live.drivers import states
from market.keys import row_key
from market.times import from_microseconds
from quotes.kinds import QUOTES
from quotes.models import Quote
from web.sharedresults import SharedResult

FRESH_S: Final = 0.25
HELD_SLOTS: Final = 2_000
"""Commands wait for a book this close to its quotes; for others they are refused."""


class Reached(NamedTuple):
    """The slot and the market time up to which a book is committed."""

    slot: int
    at: datetime


NOTHING: Final = Reached(0, from_microseconds(0))


class Book(NamedTuple):
    """What doors know of a book; `why_closed` is None where it executes orders."""

    reached: Reached
    why_closed: str | None


def why_closed(instrument: Instrument) -> str | None:
    """Return why no order can be executed now, None where it can."""
    book = _books.get().get(instrument.pk)
    return f"{instrument.symbol} has no order book" if book is None else book.why_closed


def is_open() -> bool:
    """Return whether any book executes orders now."""
    return any(book.why_closed is None for book in _books.get().values())


def market_time(instrument: Instrument) -> datetime:
    """Return the market time that a book has reached: nothing that it commits later is older."""
    book = _books.get().get(instrument.pk)
    return (NOTHING if book is None else book.reached).at


def _read() -> dict[int, Book]:
    instruments = list(Instrument.objects.filter(has_book=True))
    ends = _ends(instruments)
    reached = _first_quotes(instruments) | _newest_blocks(instruments, ends)
    driven = states(instrument.symbol for instrument in instruments)
    found: dict[int, Book] = {}
    for each in instruments:
        newest = reached.get(each.pk, NOTHING)
        quotes, reason = ends.get((QUOTES.name, each.pk), 0), None
        if driven[each.symbol] == "stopped":
            reason = f"{each.symbol} is stopped: no exchange is running"
        elif quotes - newest.slot > HELD_SLOTS:
            reason = (
                f"the order book of {each.symbol} is catching up with its quotes: "
                f"{newest.slot:,} of {quotes:,} slots are done"
            )
        found[each.pk] = Book(newest, reason)
    return found


def _ends(instruments: list[Instrument]) -> dict[tuple[str, int], int]:
    streams = Stream.objects.filter(instrument__in=instruments, kind__in=[QUOTES.name, BLOCKS.name])
    return {
        (kind, key): last_seq
        for kind, key, last_seq in streams.values_list("kind", "instrument_id", "last_seq")
    }


def _first_quotes(instruments: list[Instrument]) -> dict[int, Reached]:
    """Return where books without a block begin."""
    keys = [row_key(each.pk, 1) for each in instruments]
    found = Quote.objects.filter(pk__in=keys).values_list("instrument_id", "at")
    return {key: Reached(0, at) for key, at in found}


def _newest_blocks(
    instruments: list[Instrument], ends: dict[tuple[str, int], int]
) -> dict[int, Reached]:
    keys = [row_key(each.pk, ends.get((BLOCKS.name, each.pk), 0)) for each in instruments]
    found = BookBlock.objects.filter(pk__in=keys).values_list("instrument_id", "slot", "at")
    return {key: Reached(slot, at) for key, slot, at in found}


_books: Final = SharedResult(_read, FRESH_S)
