"""Live exchanges for tests: real journal, simulation, books and desk; the test moves wall time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from django.utils import timezone

from archive import records
from exchange.clearing.commands import CommandKind
from exchange.clearing.orders import OrderType
from exchange.matching import BUY
from exchange.models import Account, Command, Order
from exchange.running.driver import Driver
from exchange.running.extension import prepared
from instruments.models import Instrument
from journal.journal import Journal
from market.kinds import Kind, Rows
from quotes.law.simulation import Simulation
from quotes.lawruns import RunOptions, continue_history
from rig.histories import make_instrument

SEED = 11


class WallClock:
    """Seconds that pass only when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Live:
    """One live exchange. `kill` makes it lose whatever it puts from then on."""

    def __init__(self, journal: Journal, options: dict[str, Any], speed: float) -> None:
        self.journal = journal
        self.clock = WallClock()
        self._is_killed = False
        starts = [
            continue_history(journal, instrument.pk, RunOptions(seed=SEED), None)
            for instrument in journal.instruments
        ]
        self.simulation = Simulation(starts, speed, clock=self.clock)
        make = prepared(journal, self.simulation, options, self.clock)
        self.simulation.start(self._put)
        self.driver: Driver = make(self._put)

    def _put(self, bundle: Any, *, urgent: bool = False) -> bool:
        if not self._is_killed:
            self.journal.append(bundle)
        return True

    def go_live(self) -> None:
        """Run passes until all books are level with their quotes."""
        while self.driver.catch_up.behind:
            assert self.driver.run_pass()

    def run(self, seconds: float, passes: int) -> None:
        """Let wall time pass, in passes of equal length."""
        for _ in range(passes):
            self.clock.now += seconds / passes
            assert self.driver.run_pass()

    def kill(self) -> None:
        self._is_killed = True


@contextmanager
def live(
    instruments: Sequence[Instrument], options: dict[str, Any] | None = None, speed: float = 1.0
) -> Iterator[Live]:
    """Drive instruments whose books are level with their quotes, unless slots are behind."""
    with Journal(instruments) as journal:
        exchange = Live(journal, options or {}, speed)
        try:
            yield exchange
        finally:
            exchange.simulation.stop()


def listed(symbol: str = "ES") -> Instrument:
    instrument = make_instrument(symbol)
    instrument.has_book = True
    instrument.save()
    return instrument


def rows(kind: Kind, instrument: Instrument) -> Rows:
    """Return all records of a stream."""
    chunks = list(records.chunks(kind, instrument, 0, records.newest_seq(kind, instrument)))
    return np.concatenate(chunks) if chunks else np.empty(0, kind.dtype)


def submit(account: Account, kind: CommandKind, **fields: Any) -> Command:
    return Command.objects.create(
        account=account, kind=kind.value, received_at=timezone.now(), **fields
    )


def place(
    account: Account,
    instrument: Instrument,
    lots: int,
    ticks: int = 0,
    side: int = BUY,
    **fields: Any,
) -> Command:
    """Submit an order: a market order without `ticks`."""
    now = timezone.now()
    order = Order.objects.create(
        account=account,
        instrument=instrument,
        side=side,
        type=OrderType.LIMIT if ticks else OrderType.MARKET,
        lots=lots,
        ticks=ticks,
        created_at=now,
        updated_at=now,
        **fields,
    )
    return submit(account, CommandKind.PLACE, order=order, instrument=instrument)
