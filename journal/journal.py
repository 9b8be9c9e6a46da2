"""The journal: the only writer of records (docs/architecture.md)."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from types import TracebackType
from typing import Final, Self

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction

from instruments.models import Instrument
from journal import leases, projections, statements, streams
from journal.derivations import load_all
from journal.storage import insert, read_record
from journal.streams import Place, StreamKey
from market.kinds import Delivery, Derived, Kind, Rows, Table, find
from market.times import from_microseconds

Publish = Callable[[Sequence[Delivery]], None]
"""Receives the committed batch: at most one delivery per stream."""

FEW_ROWS: Final = 1_000
"""Up to so many rows, waiting for PostgreSQL takes longer than its work."""


class JournalError(ValueError):
    """Records do not continue their stream. Nothing in the batch was stored."""


@dataclass(frozen=True)
class Tail:
    """The end of a stream: its last record, shape (1,), or shape (0,) if the stream is empty."""

    instrument: Instrument
    kind: Kind
    place: Place
    last: Rows
    derived: tuple[Derived, ...] = ()

    @property
    def seq(self) -> int:
        return self.place.last_seq

    @property
    def at(self) -> int:
        """Time of the last record in microseconds since 1970 UTC; 0 if the stream is empty."""
        return int(self.last["at"][0]) if len(self.last) else 0


class Journal:
    """Stores deliveries and everything derived from them in one transaction, then publishes them.

    Holds the leases of its instruments from enter to exit. Not thread-safe: one thread owns it.
    """

    def __init__(self, instruments: Sequence[Instrument], publish: Publish | None = None) -> None:
        self.instruments = list(instruments)
        self.holder = leases.new_holder()
        self._publish = publish
        self._left = False
        self._places: dict[StreamKey, Place] = {}
        self._tails: dict[StreamKey, Tail] = {}
        self._by_key = {instrument.pk: instrument for instrument in instruments}

    def __enter__(self) -> Self:
        with transaction.atomic():
            ttl = timedelta(seconds=settings.LEASE_TTL_S)
            leases.acquire(self.instruments, self.holder, ttl)
            self._places = streams.take_over(self.instruments)
        self._tails.clear()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._left:
            leases.release(self.holder)

    def leave(self) -> None:
        """Let the leases expire instead of releasing them: the database is unavailable."""
        self._left = True

    def renew_leases(self) -> None:
        """Renew our leases; raise LeaseLostError if another process took one."""
        leases.renew(self.instruments, self.holder)

    def tail(self, instrument_id: int, kind: Kind) -> Tail:
        """Return the end of one of our streams, reading it from the database on first use.

        Raise JournalError for a stream of another instrument.
        """
        key = (kind.name, instrument_id)
        if key not in self._tails:
            if key not in self._places:
                raise JournalError(
                    f"stream {kind.name} of instrument {instrument_id} is not in this journal: "
                    "open the journal with that instrument"
                )
            self._tails[key] = load_tail(self._by_key[instrument_id], kind, self._places[key])
        return self._tails[key]

    def reload(self) -> None:
        """Forget the cached ends of the streams, so that the next use reads them again.

        Raise FencedError if another writer began a new epoch in the meantime.
        """
        found = streams.places(self.instruments)
        if any(found[key].epoch != place.epoch for key, place in self._places.items()):
            raise streams.FencedError("another process took over our streams: stop one of the two")
        self._places = found
        self._tails.clear()

    def append(self, deliveries: Iterable[Delivery]) -> None:
        """Store deliveries in one transaction, each stream in order; publish them after the commit.

        Raise JournalError if records do not continue their stream (seq without gaps, times in
        order, valid for their kind) and FencedError if another writer appended to it. Either
        error leaves the database unchanged.
        """
        merged = merge(deliveries)
        if not merged:
            return
        after = [extended(self.tail(d.instrument_id, d.kind), d.rows) for d in merged]
        tables = by_table(merged, after)
        is_small = sum(len(rows) for _, rows in tables) <= FEW_ROWS
        try:
            with transaction.atomic():
                with statements.together() if is_small else nullcontext():
                    streams.advance({each.before: each.tail.seq for each in after})
                    for table, rows in tables:
                        insert(table, rows)
                    projections.project(merged)
                transaction.on_commit(lambda: self._committed(merged))
        except IntegrityError:
            streams.check([each.before for each in after])  # another writer's rows explain it
            raise
        for each in after:
            key = (each.tail.kind.name, each.tail.instrument.pk)
            self._tails[key], self._places[key] = each.tail, each.tail.place

    def append_once(self, deliveries: Iterable[Delivery]) -> None:
        """Append a batch unless an earlier attempt stored it; call `reload` before.

        Needed when the connection failed before the answer to a COMMIT arrived. A transaction is
        stored as a whole or not at all. If it was stored, it is published now.
        """
        merged = merge(deliveries)
        if all(self.tail(d.instrument_id, d.kind).seq >= d.rows["seq"][-1] for d in merged):
            self._committed(merged)
        else:
            self.append(merged)

    def _committed(self, deliveries: Sequence[Delivery]) -> None:
        projections.announce(deliveries)
        if self._publish is not None:
            self._publish(deliveries)


def load_tail(instrument: Instrument, kind: Kind, place: Place) -> Tail:
    """Read the end of a stream from the database and rebuild its derivations."""
    last = read_record(kind, instrument.pk, place.last_seq)
    if place.last_seq and not len(last):
        raise JournalError(
            f"{kind.name}.{instrument.symbol} ends at seq {place.last_seq}, but that record is "
            "not stored: put the newest rows back, or restore a backup"
        )
    return Tail(instrument, kind, place, last, load_all(kind, instrument, last))


def merge(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Return one delivery per stream, in the order in which the streams first appear."""
    blocks: dict[StreamKey, tuple[Kind, list[Rows]]] = {}
    for delivery in deliveries:
        if len(delivery.rows):
            key = (delivery.kind.name, delivery.instrument_id)
            blocks.setdefault(key, (delivery.kind, []))[1].append(delivery.rows)
    return [
        Delivery(kind, rows[0] if len(rows) == 1 else np.concatenate(rows))
        for kind, rows in blocks.values()
    ]


@dataclass(frozen=True)
class Extended:
    """The end of a stream before and after a batch, and the rows derived from the batch."""

    before: Place
    tail: Tail
    made: tuple[tuple[Table, Rows], ...]


def extended(tail: Tail, rows: Rows) -> Extended:
    """Return `tail` extended by `rows`; `tail` itself does not change.

    Raise JournalError if `rows` do not continue the stream.
    """
    check_continuation(tail, rows)
    derived = tuple(each.copy() for each in tail.derived)
    made = tuple(one for each in derived for one in each.extend(rows) if len(one[1]))
    place = tail.place._replace(last_seq=int(rows["seq"][-1]))
    return Extended(
        tail.place, replace(tail, place=place, last=rows[-1:].copy(), derived=derived), made
    )


def by_table(merged: Sequence[Delivery], after: Sequence[Extended]) -> list[tuple[Table, Rows]]:
    """Return all rows of a batch, one array per table."""
    tables: dict[str, tuple[Table, list[Rows]]] = {}
    stored: list[tuple[Table, Rows]] = [(d.kind, d.rows) for d in merged]
    for table, rows in [*stored, *(one for each in after for one in each.made)]:
        tables.setdefault(table.name, (table, []))[1].append(rows)
    return [(table, np.concatenate(blocks)) for table, blocks in tables.values()]


def check_continuation(tail: Tail, rows: Rows) -> None:
    """Raise JournalError unless `rows` continue the stream that ends with `tail`."""
    name = f"{tail.kind.name}.{tail.instrument.symbol}"
    if find(tail.kind.name) is not tail.kind:
        raise JournalError(
            f"{name}: kind {tail.kind.name!r} is not registered: register it in an AppConfig"
        )
    if not (rows["instrument"] == tail.instrument.pk).all():
        raise JournalError(f"{name}: a delivery contains records of other instruments")
    seq, at = rows["seq"], rows["at"]
    steps = np.diff(seq, prepend=tail.seq)
    if not (steps == 1).all():
        i = int(np.argmax(steps != 1))
        raise JournalError(f"{name}: seq {seq[i]} follows {seq[i] - steps[i]}: it must rise by 1")
    passed = np.diff(at, prepend=tail.at if tail.seq else at[0] - 1)
    wrong = passed <= 0 if tail.kind.clock == "strict" else passed < 0
    if wrong.any():
        i = int(np.argmax(wrong))
        moment = from_microseconds(int(at[i])).isoformat()
        relation = "later than" if tail.kind.clock == "strict" else "at or after"
        raise JournalError(f"{name}: record {seq[i]} at {moment} is not {relation} the one before")
    try:
        tail.kind.check(rows)
    except ValueError as error:
        raise JournalError(f"{name}: {error}") from error
