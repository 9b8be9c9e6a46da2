"""The ends of streams, and the fencing that keeps out a second writer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from django.db.models import F

from instruments.models import Instrument
from journal.models import Stream
from journal.updates import Update
from market.kinds import Kind, kinds

ADVANCE: Final = Update(table="journal_stream", to=("last_seq",), keys=("id", "last_seq", "epoch"))
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
    ordered = sorted(moves.items(), key=lambda move: move[0].stream_id)  # no deadlocks
    rows = [(to, place.stream_id, place.last_seq, place.epoch) for place, to in ordered]
    ADVANCE.execute(rows, fenced)


def fenced(found: int, expected: int) -> FencedError:
    return FencedError(
        f"{expected - found} of {expected} streams have another writer: stop one of the two "
        "processes"
    )


def check(expected: Iterable[Place]) -> None:
    """Raise FencedError if a stream is no longer at its place."""
    wanted = set(expected)
    found = Stream.objects.filter(pk__in=[place.stream_id for place in wanted])
    here = {Place(*each) for each in found.values_list("id", "last_seq", "epoch")}
    if here != wanted:
        raise fenced(len(here & wanted), len(wanted))
