"""What a subscriber needs before the live frames: reads from the database."""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from django.conf import settings
from django.utils import timezone

from instruments.models import Instrument
from quotes.fields import to_microseconds
from quotes.frames import REPLAY_ROWS, GapFrame, ResetFrame, State, TicksFrame, tick_rows
from quotes.leases import is_alive
from quotes.models import Lease, Quote
from quotes.protocol import ProtocolError, split_topic
from quotes.summaries import with_ends
from quotes.ticks import TICK

Instruments = dict[str, Instrument]


def missed(
    instrument: Instrument, since: int | None
) -> tuple[list[TicksFrame | GapFrame | ResetFrame], int]:
    """Return the frames after tick `since` (None: the newest tick alone) and their last seq."""
    topic = f"quotes.{instrument.symbol}"
    newest = Quote.objects.latest_of(instrument)
    last = newest.seq if newest else 0
    if since is not None and since > last:
        return [{"topic": topic, "type": "reset", "last_seq": last}], last
    if newest is None:
        return [], 0
    first = newest.seq if since is None else since + 1
    frames: list[TicksFrame | GapFrame | ResetFrame] = []
    if newest.seq - first >= REPLAY_ROWS:
        first = newest.seq - REPLAY_ROWS + 1
        frames.append(
            {"topic": topic, "type": "gap", "from_seq": (since or 0) + 1, "to_seq": first - 1}
        )
    quotes = Quote.objects.since(instrument, first - 1).filter(seq__lte=newest.seq)
    rows = [(instrument.pk, q.seq, to_microseconds(q.at), q.ticks) for q in quotes]
    if rows:
        data = tick_rows(np.array(rows, dtype=TICK), instrument.lattice)
        frames.append({"topic": topic, "type": "ticks", "data": data})
    return frames, newest.seq


class End(NamedTuple):
    """Where a history ends (0: before its first tick), and whether somebody drives it."""

    last_seq: int
    state: State


def ends(symbols: Iterable[str]) -> dict[str, End]:
    """Return the ends of the histories of `symbols`."""
    instruments = Instrument.objects.filter(symbol__in=symbols)
    leases = {lease.instrument_id: lease for lease in Lease.objects.all()}
    return {
        instrument.symbol: End(instrument.last_seq or 0, state(leases.get(instrument.pk)))
        for instrument in with_ends(instruments)
    }


def state_of(instrument: Instrument) -> State:
    """Return whether somebody drives `instrument` now."""
    return state(Lease.objects.filter(instrument=instrument).first())


def state(lease: Lease | None) -> State:
    if lease is None:
        return "stopped"
    ttl = timedelta(seconds=settings.LEASE_TTL_S)
    return "live" if is_alive(lease, timezone.now(), ttl) else "stopped"


def resolve(names: Iterable[str], req_id: object = None) -> tuple[list[str], Instruments]:
    """Return the topics that are meant, `*` written out, and their instruments by symbol.

    Raise ProtocolError.
    """
    pairs = [split_topic(name, req_id) for name in names]
    symbols = [symbol for _, symbol in pairs]
    instruments = Instrument.objects.all()
    if "*" not in symbols:
        instruments = instruments.filter(symbol__in=symbols)
    found = {instrument.symbol: instrument for instrument in instruments}
    topics: list[str] = []
    for kind, symbol in pairs:
        if symbol != "*" and symbol not in found:
            raise ProtocolError(
                "unknown_topic",
                f"topic {kind}.{symbol} names no instrument; see /api/v1/instruments/",
                req_id,
            )
        topics += [f"{kind}.{s}" for s in (found if symbol == "*" else [symbol])]
    return list(dict.fromkeys(topics)), found
