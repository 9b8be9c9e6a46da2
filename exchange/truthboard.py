"""Reports of the newest slots, computed once a minute for all who look at them."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from archive.selections import EVER, Span
from exchange.stretches import Stretch, read_books, read_stretch
from exchange.truthreports import Report, report
from instruments.models import Instrument
from web.slots import Slots
from web.snapshots import Snapshot

WINDOWS: Final = (3_600, 21_600, 86_400)
"""Slots of the reports that are kept: an hour, six hours and a day of one slot per second."""
DEFAULT_WINDOW: Final = 21_600
MOST_SLOTS: Final = 86_400
MOST_BOOKS: Final = 256
FRESH_S: Final = 60.0

slots: Final = Slots(running=1, waiting=3)
_kept: Final[dict[tuple[int, int], Snapshot["StretchReport"]]] = {}


@dataclass(frozen=True)
class StretchReport:
    stretch: Stretch
    report: Report


def newest_report(instrument: Instrument, window: int = DEFAULT_WINDOW) -> StretchReport:
    """Return the report of the newest `window` slots, one of WINDOWS, at most FRESH_S old.

    Raise NoStretchError, or Busy if too many other reports are being computed.
    """
    make = partial(make_report, instrument, window)
    snapshot = _kept.setdefault((instrument.pk, WINDOWS[WINDOWS.index(window)]), Snapshot(make, FRESH_S))
    try:
        return snapshot.get()
    except Exception:
        snapshot.forget()
        raise


def make_report(
    instrument: Instrument, most: int = MOST_SLOTS, span: Span = EVER
) -> StretchReport:
    """Compute the report of the newest slots in a span; raise NoStretchError, Busy, ClientGone."""
    with slots.taken():
        stretch = read_stretch(instrument, most, span)
        return StretchReport(stretch, report(stretch.sample, read_books(stretch, MOST_BOOKS)))
