"""Reports of the newest slots, computed once a minute for all who look at them."""

import threading
from dataclasses import dataclass
from functools import partial
from typing import Final

from archive.selections import EVER, Span
from exchange.truth.reports import Report, report
from exchange.truth.stretches import Stretch, read_books, read_stretch
from instruments.models import Instrument
from web.clients import client_of_request
from web.concurrency import ConcurrencyLimit
from web.sharedresults import SharedResult

WINDOWS: Final = {3_600: 60.0, 21_600: 60.0, 86_400: 300.0}
"""Slots of the reports that are kept, and the seconds for which they are.

An hour, six hours and a day of one slot per second take 0.3, 0.8 and 2 s to compute.
"""
DEFAULT_WINDOW: Final = 21_600
MOST_SLOTS: Final = 86_400
MOST_BOOKS: Final = 256

slots: Final = ConcurrencyLimit(running=1, waiting=3)
_NEVER: Final = threading.Event()
_kept: Final[dict[tuple[int, str, int], SharedResult["StretchReport"]]] = {}


@dataclass(frozen=True)
class StretchReport:
    stretch: Stretch
    report: Report


def newest_report(instrument: Instrument, window: int = DEFAULT_WINDOW) -> StretchReport:
    """Return the report of the newest `window` slots, one of WINDOWS, as of a while ago.

    Raise NoStretchError, or Busy if too many other reports are being computed.
    """
    new = SharedResult(partial(make_report, instrument, window), WINDOWS[window])
    result = _kept.setdefault((instrument.pk, instrument.symbol, window), new)
    try:
        with client_of_request(_NEVER):  # others may be waiting for the same report
            return result.get()
    except Exception:
        result.forget()
        raise


def make_report(instrument: Instrument, most: int = MOST_SLOTS, span: Span = EVER) -> StretchReport:
    """Compute the report of the newest slots in a span; raise NoStretchError, Busy, ClientGone."""
    with slots.taken():
        stretch = read_stretch(instrument, most, span)
        return StretchReport(stretch, report(stretch.sample, read_books(stretch, MOST_BOOKS)))
