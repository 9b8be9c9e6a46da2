"""Quotes as a sequenced kind of topic, and the states of instruments: reads from the database."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone

from instruments.models import Instrument
from journal.leases import is_alive
from live.frames import Frame, State, TicksFrame, tick_rows
from live.sequenced import Missed
from market.ticks import TICK
from market.times import to_microseconds
from quotes.http.summaries import with_ends
from quotes.models import Lease, Quote


class QuoteStreams:
    """The stored quotes of every instrument (live.sequenced.Sequenced)."""

    def ends(self, symbols: Iterable[str]) -> dict[str, int]:
        """Return the last seq of each instrument (0: it has no quotes)."""
        instruments = with_ends(Instrument.objects.filter(symbol__in=list(symbols)))
        return {instrument.symbol: instrument.last_seq or 0 for instrument in instruments}

    def missed(self, symbol: str, since: int | None, limit: int) -> Missed:
        """Return what came after quote `since` (None: the newest quote alone)."""
        instrument = with_ends(Instrument.objects.filter(symbol=symbol)).first()
        return Missed([], 0) if instrument is None else missed_of(instrument, since, limit)


def missed_of(instrument: Any, since: int | None, limit: int) -> Missed:
    """Return what came after quote `since` of an instrument of `with_ends`."""
    topic, last = f"quotes.{instrument.symbol}", instrument.last_seq or 0
    if since is not None and since > last:
        return Missed([{"topic": topic, "type": "reset", "last_seq": last}], last)
    if last == (since or 0):
        return Missed([], last)
    if since is None:
        newest = (instrument.pk, last, to_microseconds(instrument.last_at), instrument.last_ticks)
        return Missed([ticks_frame(instrument, [newest])], last)
    frames: list[Frame] = []
    if last - since > limit:
        first, since = since + 1, last - limit
        frames.append({"topic": topic, "type": "gap", "from_seq": first, "to_seq": since})
    quotes = Quote.objects.since(instrument, since).filter(seq__lte=last)
    rows = [(instrument.pk, q.seq, to_microseconds(q.at), q.ticks) for q in quotes]
    return Missed([*frames, ticks_frame(instrument, rows)] if rows else frames, last)


def ticks_frame(instrument: Instrument, rows: list[tuple[int, int, int, int]]) -> TicksFrame:
    data = tick_rows(np.array(rows, dtype=TICK), instrument.lattice)
    return {"topic": f"quotes.{instrument.symbol}", "type": "ticks", "data": data}


def states(symbols: Iterable[str]) -> dict[str, State]:
    """Return whether somebody drives each of these instruments now."""
    instruments = Instrument.objects.filter(symbol__in=list(symbols))
    leases = {lease.instrument_id: lease for lease in Lease.objects.all()}
    return {each.symbol: state(leases.get(each.pk)) for each in instruments}


def state(lease: Lease | None) -> State:
    if lease is None:
        return "stopped"
    ttl = timedelta(seconds=settings.LEASE_TTL_S)
    return "live" if is_alive(lease, timezone.now(), ttl) else "stopped"
