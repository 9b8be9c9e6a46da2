"""Runs of the law: continue the one stored with a history, or begin a new one."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from instruments.models import Instrument
from journal.journal import Journal, Tail
from market.timeframes import MICROSECONDS
from market.times import from_microseconds, to_microseconds
from quotes.kinds import QUOTES, REGIMES
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.walker import MarketLaw, RegimePlace, Start
from quotes.models import Quote, Regime, Run

SEEDED_MARKETS_OPEN_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""Start of the simulated clock of an empty market with a seed: the same rows on any day."""

DEFAULT_INTERVAL_US = MICROSECONDS


class RunError(ValueError):
    """The instrument cannot be simulated as requested."""


@dataclass(frozen=True)
class RunOptions:
    """Options given by the user. None means the value of the stored run, or else the default."""

    seed: int | None = None
    interval_us: int | None = None


def new_seed() -> int:
    return secrets.randbits(48)


def law_of(run: Run, first_regime: int) -> MarketLaw:
    return MarketLaw(
        instrument=run.instrument_id,
        symbol=run.instrument.symbol,
        seed=run.seed,
        interval_us=run.interval_us,
        first_seq=run.first_seq,
        started_at=to_microseconds(run.started_at),
        start=WalkState(run.start_ticks, run.start_direction),
        regimes=RegimeLaw(run.regime_mean_s, run.regime_floor_s),
        first_regime=first_regime,
    )


def state_at_tail(tail: Tail, run: Run) -> WalkState:
    """Return price and direction after the last recorded tick, from the stored history."""
    if tail.seq < run.first_seq:
        return WalkState(run.start_ticks, run.start_direction)
    before = (
        run.start_ticks
        if tail.seq == run.first_seq
        else Quote.objects.of(tail.instrument).get(seq=tail.seq - 1).ticks
    )
    price = int(tail.last["ticks"][0])
    return WalkState(price, 1 if price > before else -1)


def start_at_tails(run: Run, quotes: Tail, regimes: Tail) -> Start:
    """Return the start of a walker that continues `run` at the end of both streams."""
    of_run = Regime.objects.filter(instrument=run.instrument, first_seq__gte=run.first_seq)
    first_regime = of_run.order_by("first_seq").values_list("seq", flat=True).first()
    if first_regime is None:
        place, first_regime = RegimePlace(0, 0), regimes.seq + 1
    else:
        first_seq = int(regimes.last["first_seq"][0])
        place = RegimePlace(regimes.seq - first_regime, first_seq - run.first_seq)
    return Start(law_of(run, first_regime), quotes.seq + 1, state_at_tail(quotes, run), place)


def stored_run(instrument: Instrument) -> Run | None:
    return Run.objects.filter(instrument=instrument).select_related("instrument").last()


def instruments_to_drive(symbols: list[str]) -> list[Instrument]:
    """Return the instruments of `symbols`; `["all"]` returns all that the law can drive.

    The law never continues a history that it did not generate (imported, replayed): "all" omits
    such instruments, and naming one raises RunError.
    """
    instruments = Instrument.objects.by_symbols(symbols)
    with_law = set(Run.objects.values_list("instrument_id", flat=True).distinct())
    foreign = [i for i in instruments if i.pk not in with_law and i.quotes.exists()]
    if foreign and symbols != ["all"]:
        names = ", ".join(instrument.symbol for instrument in foreign)
        raise RunError(
            f"{names}: the recorded quotes are not simulated; simulate another instrument"
        )
    driven = [instrument for instrument in instruments if instrument not in foreign]
    if not driven:
        raise RunError("no instrument can be simulated: run manage.py seedinstruments")
    return driven


def continue_history(
    journal: Journal, instrument_id: int, run_options: RunOptions, opens_at: int | None
) -> Start:
    """Return the start that continues the stored history of an instrument.

    The stored run continues, whatever the wall clock says. A new run begins if the options name
    another seed or interval, or if `opens_at` (microseconds since 1970 UTC, where an empty or old
    history should resume) is later than the next slot.
    """
    tail = journal.tail(instrument_id, QUOTES)
    run = stored_run(tail.instrument)
    if run is None or tail.seq == 0:
        start = WalkState(tail.instrument.opening_ticks, 1)
        interval_us = run_options.interval_us or (run.interval_us if run else DEFAULT_INTERVAL_US)
        if opens_at is None:
            opens_at = to_microseconds(SEEDED_MARKETS_OPEN_AT)
        seed = (
            run_options.seed if run_options.seed is not None else (run.seed if run else new_seed())
        )
        run = begin_run(tail, start, seed, interval_us, opens_at)
    else:
        interval_us = run_options.interval_us or run.interval_us
        seed = run.seed if run_options.seed is None else run_options.seed
        next_at = max(tail.at + interval_us, opens_at or 0)
        jumps = next_at > tail.at + interval_us
        if jumps or (seed, interval_us) != (run.seed, run.interval_us):
            run = begin_run(tail, state_at_tail(tail, run), seed, interval_us, next_at)
    return start_at_tails(run, tail, journal.tail(instrument_id, REGIMES))


def begin_run(tail: Tail, start: WalkState, seed: int, interval_us: int, started_at: int) -> Run:
    """Store and return a run of the law that begins with the tick after `tail`."""
    law = RegimeLaw()
    with transaction.atomic():
        run, _ = Run.objects.update_or_create(
            instrument=tail.instrument,
            first_seq=tail.seq + 1,
            defaults={
                "seed": seed,
                "interval_us": interval_us,
                "started_at": from_microseconds(started_at),
                "start_ticks": start.ticks,
                "start_direction": start.direction,
                "regime_mean_s": law.mean_s,
                "regime_floor_s": law.floor_s,
            },
        )
    return run
