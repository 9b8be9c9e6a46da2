"""The recorder: the only writer of quotes, candles and regimes (docs/architecture.md)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from types import TracebackType
from typing import Self

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from instruments.models import Instrument
from journal import leases
from journal.storage import insert_candles, insert_quotes
from market.candles import CANDLE, coarsen
from market.ladder import CandleLadder
from market.ticks import TICK, Ticks
from market.timeframes import SECONDS, opened_at
from market.times import from_microseconds, to_microseconds
from quotes.law.walker import Delivery, RegimeStart
from quotes.models import Candle, Quote, Regime


class RecordingError(ValueError):
    """Ticks that do not continue the recorded history; nothing of the batch was stored."""


@dataclass
class Tail:
    """Where the recorded history of one instrument ends; seq is 0 when there is none."""

    instrument: Instrument
    seq: int
    at: int
    ticks: int
    ladder: CandleLadder


Publish = Callable[[Sequence[Ticks], Sequence[RegimeStart]], None]


class Recorder:
    """Stores what sources deliver, with its candles, in one transaction, then publishes it.

    Holds the leases of its instruments from enter to exit. Not thread-safe: one thread owns it.
    """

    def __init__(self, instruments: Sequence[Instrument], publish: Publish | None = None) -> None:
        self.instruments = list(instruments)
        self.holder = leases.new_holder()
        self._publish = publish
        self._tails: dict[int, Tail] = {}

    def __enter__(self) -> Self:
        leases.acquire(self.instruments, self.holder, timedelta(seconds=settings.LEASE_TTL_S))
        self.reload()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        leases.release(self.holder)

    def renew_leases(self) -> None:
        """Say that we are alive; raise LeaseLostError when an instrument was taken over."""
        leases.renew(self.instruments, self.holder)

    def tail(self, instrument_id: int) -> Tail:
        """Return the end of the recorded history of one of our instruments."""
        return self._tails[instrument_id]

    def reload(self) -> None:
        """Read the ends of the histories again, as the database has them."""
        self._tails = {instrument.pk: load_tail(instrument) for instrument in self.instruments}

    def record(self, ticks: Ticks, regimes: Sequence[RegimeStart] = ()) -> None:
        """Store ascending ticks of one instrument and the regimes that start among them."""
        self.record_all([Delivery(ticks, tuple(regimes))])

    def record_all(self, deliveries: Sequence[Delivery]) -> None:
        """Store deliveries, in their order, in one transaction; publish after its commit.

        Raise RecordingError where ticks do not continue the history (seq without holes, time
        ascending, price at least one tick): then nothing is stored.
        """
        tails: dict[int, Tail] = {}
        closed = []
        for ticks, _ in deliveries:
            instrument_id = int(ticks["instrument"][0])
            tail = tails.get(instrument_id) or self._copy_of_tail(instrument_id)
            check_continuation(tail, ticks)
            closed.append((instrument_id, tail.ladder.extend(ticks)))
            last = ticks[-1]
            tails[instrument_id] = Tail(
                tail.instrument, int(last["seq"]), int(last["at"]), int(last["ticks"]), tail.ladder
            )
        blocks = [delivery.ticks for delivery in deliveries]
        regimes = [regime for delivery in deliveries for regime in delivery.regimes]
        with transaction.atomic():
            insert_quotes(np.concatenate(blocks))
            for instrument_id, candles in closed:
                for timeframe_s, rows in candles.items():
                    insert_candles(instrument_id, timeframe_s, rows)
            if regimes:
                store_regimes(regimes)
        self._tails.update(tails)
        if self._publish is not None:
            publish = self._publish
            transaction.on_commit(lambda: publish(blocks, regimes))

    def _copy_of_tail(self, instrument_id: int) -> Tail:
        try:
            tail = self._tails[instrument_id]
        except KeyError:
            raise RecordingError(f"instrument {instrument_id} is not one of ours") from None
        return Tail(tail.instrument, tail.seq, tail.at, tail.ticks, tail.ladder.copy())

    def without_stored(self, delivery: Delivery) -> Delivery | None:
        """Return the part of `delivery` after the tail, None when all of it is stored.

        For the moment after a COMMIT whose answer was lost.
        """
        seq = self.tail(int(delivery.ticks["instrument"][0])).seq
        ticks = delivery.ticks[delivery.ticks["seq"] > seq]
        if len(ticks) == 0:
            return None
        return Delivery(ticks, tuple(r for r in delivery.regimes if r.first_seq > seq))


def check_continuation(tail: Tail, ticks: Ticks) -> None:
    """Raise RecordingError unless `ticks` continue the history that ends in `tail`."""
    symbol = tail.instrument.symbol
    if not (ticks["instrument"] == tail.instrument.pk).all():
        raise RecordingError(f"a block of {symbol} holds ticks of other instruments")
    steps = np.diff(ticks["seq"], prepend=tail.seq)
    if not (steps == 1).all():
        index = int(np.argmax(steps != 1))
        raise RecordingError(
            f"{symbol}: tick {ticks['seq'][index]} follows {ticks['seq'][index] - steps[index]}: "
            "seq must rise by one"
        )
    earlier = np.diff(ticks["at"], prepend=tail.at if tail.seq else ticks["at"][0] - 1) <= 0
    if earlier.any():
        index = int(np.argmax(earlier))
        raise RecordingError(
            f"{symbol}: tick {ticks['seq'][index]} at "
            f"{from_microseconds(int(ticks['at'][index])).isoformat()} is not later than the one "
            "before it"
        )
    if not (ticks["ticks"] >= 1).all():
        index = int(np.argmax(ticks["ticks"] < 1))
        raise RecordingError(
            f"{symbol}: tick {ticks['seq'][index]} has a price of {ticks['ticks'][index]} ticks: "
            "use at least 1"
        )


def store_regimes(regimes: Sequence[RegimeStart]) -> None:
    """Store regimes as they start; each ends the one before it, stored or among these."""
    rows: dict[int, list[Regime]] = {}
    for regime in regimes:
        started_at = from_microseconds(regime.started_at)
        ours = rows.setdefault(regime.instrument, [])
        if ours:
            ours[-1].ended_at, ours[-1].last_seq = started_at, regime.first_seq - 1
        else:
            Regime.objects.filter(instrument=regime.instrument, last_seq=None).update(
                ended_at=started_at, last_seq=regime.first_seq - 1
            )
        ours.append(
            Regime(
                instrument_id=regime.instrument,
                phi=regime.phi,
                started_at=started_at,
                first_seq=regime.first_seq,
            )
        )
    Regime.objects.bulk_create([row for ours in rows.values() for row in ours])


def load_tail(instrument: Instrument) -> Tail:
    """Read the end of the history of `instrument` and rebuild its open candles from it."""
    last = Quote.objects.latest_of(instrument)
    if last is None:
        return Tail(instrument, 0, 0, 0, CandleLadder.empty())
    now = to_microseconds(last.at)
    minute = Quote.objects.filter(
        instrument=instrument, at__gte=from_microseconds(opened_at(now, SECONDS[0]))
    ).order_by("at")
    ticks = np.array(
        [(q.instrument_id, q.seq, to_microseconds(q.at), q.ticks) for q in minute], dtype=TICK
    )
    wanted = Q()
    for finer, coarser in pairwise(SECONDS):
        opened = from_microseconds(opened_at(now, coarser))
        wanted |= Q(timeframe=finer, opened_at__gte=opened)
    columns = [name for name in CANDLE.names or () if name != "opened_at"]
    pieces: dict[int, list[tuple[int, ...]]] = {seconds: [] for seconds in SECONDS}
    closed = Candle.objects.filter(wanted, instrument=instrument).order_by("opened_at")
    for timeframe_s, opened_at_, *values in closed.values_list("timeframe", "opened_at", *columns):
        pieces[timeframe_s].append((to_microseconds(opened_at_), *values))
    rungs = [
        coarsen(np.array(pieces[finer], dtype=CANDLE), coarser)
        for finer, coarser in pairwise(SECONDS)
    ]
    return Tail(instrument, last.seq, now, last.ticks, CandleLadder(ticks, rungs))
