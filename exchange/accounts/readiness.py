"""Whether the order book of an instrument can execute orders now."""

from typing import Final

from exchange.kinds import BLOCKS
from exchange.models import BookBlock
from instruments.models import Instrument
from journal.models import Stream
from live.drivers import states
from market.keys import row_key
from quotes.kinds import QUOTES
from web.snapshots import Snapshot

FRESH_S: Final = 0.25
HELD_SLOTS: Final = 2_000
"""Commands wait for a book this close to its quotes; for others they are refused."""


def why_closed(instrument: Instrument) -> str | None:
    """Return why no order can be executed now, None where it can."""
    return _closed.get().get(instrument.pk, f"{instrument.symbol} has no order book")


def is_open() -> bool:
    """Return whether any book executes orders now."""
    return None in _closed.get().values()


def _read() -> dict[int, str | None]:
    instruments = list(Instrument.objects.filter(has_book=True))
    ends = _ends(instruments)
    slots = _slots(instruments, ends)
    driven = states(instrument.symbol for instrument in instruments)
    found: dict[int, str | None] = {}
    for each in instruments:
        quotes, slot = ends.get((QUOTES.name, each.pk), 0), slots.get(each.pk, 0)
        found[each.pk] = None
        if driven[each.symbol] == "stopped":
            found[each.pk] = f"{each.symbol} is stopped: no exchange is running"
        elif quotes - slot > HELD_SLOTS:
            found[each.pk] = (
                f"the order book of {each.symbol} is catching up with its quotes: "
                f"{slot:,} of {quotes:,} slots are done"
            )
    return found


def _ends(instruments: list[Instrument]) -> dict[tuple[str, int], int]:
    streams = Stream.objects.filter(instrument__in=instruments, kind__in=[QUOTES.name, BLOCKS.name])
    return {
        (kind, key): last_seq
        for kind, key, last_seq in streams.values_list("kind", "instrument_id", "last_seq")
    }


def _slots(instruments: list[Instrument], ends: dict[tuple[str, int], int]) -> dict[int, int]:
    """Return the slot of the newest block of each book."""
    keys = [row_key(each.pk, ends.get((BLOCKS.name, each.pk), 0)) for each in instruments]
    found = BookBlock.objects.filter(pk__in=keys)
    return dict(found.values_list("instrument_id", "slot"))


_closed: Final = Snapshot(_read, FRESH_S)
