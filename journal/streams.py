"""The ends of streams, and the fencing that keeps out a second writer."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db import connection
from django.db.models import F

from instruments.models import Instrument
from journal.models import Stream
from market.kinds import Kind, kinds

StreamKey = tuple[str, int]
"""Name of the kind, primary key of the instrument."""


class FencedError(RuntimeError):
    """Another writer appended to or took over one of our streams. Nothing was stored."""


class Place(NamedTuple):
    """Where a stream ends, under the epoch of the writer that took it over."""

    stream_id: int
    last_seq: int
    epoch: int


def take_over(instruments: Sequence[Instrument]) -> dict[StreamKey, Place]:
    """Begin a new epoch in every stream of `instruments`; return their places."""
    Stream.objects.bulk_create(
        [Stream(instrument=i, kind=kind.name) for i in instruments for kind in kinds()],
        ignore_conflicts=True,
    )
    Stream.objects.filter(instrument__in=instruments).update(epoch=F("epoch") + 1)
    return places(instruments)


def places(instruments: Sequence[Instrument]) -> dict[StreamKey, Place]:
    """Return the current places of the streams of `instruments`."""
    found = Stream.objects.filter(instrument__in=instruments).values_list(
        "kind", "instrument_id", "id", "last_seq", "epoch"
    )
    return {(kind, instrument_id): Place(*place) for kind, instrument_id, *place in found}


def ends(kind: Kind, symbols: Sequence[str]) -> dict[str, int]:
    """Return the last seq of one kind by symbol, omitting symbols without a stream."""
    found = Stream.objects.filter(kind=kind.name, instrument__symbol__in=symbols)
    return dict(found.values_list("instrument__symbol", "last_seq"))


def advance(moves: Mapping[Place, int]) -> None:
    """Advance streams, each from its place to a new last seq.

    Call this in the transaction that inserts the rows. Raise FencedError if the last seq or the
    epoch of a stream differs from its place.
    """
    statement = (
        "UPDATE journal_stream SET last_seq = %s WHERE id = %s AND last_seq = %s AND epoch = %s"
    )
    ordered = sorted(moves.items(), key=lambda move: move[0].stream_id)  # no deadlocks
    parameters = [(to, place.stream_id, place.last_seq, place.epoch) for place, to in ordered]
    with connection.cursor() as cursor:
        cursor.executemany(statement, parameters)
        if cursor.rowcount != len(ordered):
            raise FencedError(
                f"{len(ordered) - cursor.rowcount} of {len(ordered)} streams have another writer: "
                "stop one of the two processes"
            )
