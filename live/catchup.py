"""What a subscriber needs before the live frames: reads from the database."""

import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.utils import timezone

from instruments.models import Instrument
from journal.leases import is_alive
from journal.models import Lease
from live.frames import REPLAY_ROWS, GapFrame, RecordsFrame, ResetFrame, record_frames
from live.protocol import ProtocolError, split_topic
from market.states import State
from market.ticks import TICK
from market.times import to_microseconds
from quotes.http.summaries import with_ends
from quotes.kinds import QUOTES
from quotes.models import Quote


class Missed(NamedTuple):
    """What a subscriber was not sent, and the last seq of it."""

    frames: list[RecordsFrame | GapFrame | ResetFrame]
    last_seq: int

    @property
    def ticks(self) -> int:
        return sum(len(frame["data"]) for frame in self.frames if frame["type"] == "ticks")


def missed(wanted: Mapping[str, int | None]) -> dict[str, Missed]:
    """Return what came after tick `since` of each symbol (None: the newest tick alone).

    In their order, until it is REPLAY_ROWS ticks: ask again for the symbols that are not there.
    """
    instruments = Instrument.objects.filter(symbol__in=wanted)
    of = {instrument.symbol: instrument for instrument in with_ends(instruments)}
    found: dict[str, Missed] = {}
    ticks = 0
    for symbol, since in wanted.items():
        found[symbol] = missed_of(of[symbol], since) if symbol in of else Missed([], 0)
        ticks += found[symbol].ticks
        if ticks >= REPLAY_ROWS:
            break
    return found


def missed_of(instrument: Any, since: int | None) -> Missed:
    """Return what came after tick `since` of an instrument of `with_ends`."""
    topic, last = f"quotes.{instrument.symbol}", instrument.last_seq or 0
    if since is not None and since > last:
        return Missed([{"topic": topic, "type": "reset", "last_seq": last}], last)
    if last == (since or 0):
        return Missed([], last)
    if since is None:
        newest = (instrument.pk, last, to_microseconds(instrument.last_at), instrument.last_ticks)
        return Missed([ticks_frame(instrument, [newest])], last)
    frames: list[RecordsFrame | GapFrame | ResetFrame] = []
    if last - since > REPLAY_ROWS:
        first, since = since + 1, last - REPLAY_ROWS
        frames.append({"topic": topic, "type": "gap", "from_seq": first, "to_seq": since})
    quotes = Quote.objects.since(instrument, since).filter(seq__lte=last)
    rows = [(instrument.pk, q.seq, to_microseconds(q.at), q.ticks) for q in quotes]
    return Missed([*frames, ticks_frame(instrument, rows)] if rows else frames, last)


def ticks_frame(instrument: Instrument, rows: list[tuple[int, int, int, int]]) -> Any:
    ((frame, _, _),) = record_frames(
        QUOTES, instrument.symbol, instrument.lattice, np.array(rows, dtype=TICK)
    )
    return frame


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


def state_of(symbol: str) -> State:
    """Return whether somebody drives the instrument now."""
    return state(Lease.objects.filter(instrument__symbol=symbol).first())


def state(lease: Lease | None) -> State:
    if lease is None:
        return "stopped"
    ttl = timedelta(seconds=settings.LEASE_TTL_S)
    return "live" if is_alive(lease, timezone.now(), ttl) else "stopped"


def resolve(names: Iterable[str], req_id: object = None) -> list[str]:
    """Return the topics that are meant, `*` written out; raise ProtocolError."""
    pairs = [split_topic(name, req_id) for name in names]
    symbols = [symbol for _, symbol in pairs]
    instruments = Instrument.objects.order_by("pk")
    if "*" not in symbols:
        instruments = instruments.filter(symbol__in=symbols)
    found = list(instruments.values_list("symbol", flat=True))
    topics: list[str] = []
    for kind, symbol in pairs:
        if symbol != "*" and symbol not in found:
            raise ProtocolError(
                "unknown_topic",
                f"topic {kind}.{symbol} names no instrument; see /api/v1/instruments/",
                req_id,
            )
        topics += [f"{kind}.{s}" for s in (found if symbol == "*" else [symbol])]
    return [sys.intern(topic) for topic in dict.fromkeys(topics)]  # sockets share the strings
