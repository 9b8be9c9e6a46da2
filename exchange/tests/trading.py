"""An exchange for tests: the real desk, engines and journal, stepped by the test.

It executes the commands that doors stored, as the driver of a live market does. One thread at a
time uses it: the test, or the one that executes commands.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from django.db import connection
from django.test import override_settings

from exchange.accounts import loading
from exchange.clearing.desk import Desk
from exchange.kinds import TRADES
from exchange.matching import MESSAGE, Kind, MatchingEngine, Outcome, TimeInForce
from exchange.models import Command
from instruments.models import Instrument
from journal.journal import Journal
from market.kinds import Rows
from quotes.models import Quote

POLL_S = 0.02
LEASE_TTL_S = 3_600.0


class Port:
    """The book of one instrument, with liquidity that the test provides."""

    def __init__(self, instrument: Instrument, mark: int, at: int) -> None:
        self.instrument_id = instrument.pk
        self.at = self.marked_at = at
        self.mark = self.last = mark
        self.trade_seq = 0
        self.engine = MatchingEngine()
        self._orders = 0

    def best(self, side: int) -> int | None:
        return self.engine.best(side)

    def levels(self, side: int, n: int) -> Rows:
        return self.engine.levels(side, n)

    def send(self, messages: Rows) -> Rows:
        reports = self.engine.process(messages)
        fills = reports[reports["outcome"] == Outcome.FILLED]
        self.trade_seq += len(fills)
        if len(fills):
            self.last = int(fills["ticks"][-1])
        return reports

    def background(self, kind: Kind, side: int, ticks: int, lots: int) -> Rows:
        """Send an order of the background flow; return the TRADES rows that it caused."""
        self._orders += 1
        first = self.trade_seq + 1
        row = (kind, side, TimeInForce.GTC, self._orders, 0, ticks, lots)
        reports = self.send(np.array([row], MESSAGE))
        fills = reports[reports["outcome"] == Outcome.FILLED]
        trades = np.zeros(len(fills), TRADES.dtype)
        trades["instrument"], trades["at"] = self.instrument_id, self.at
        trades["seq"] = first + np.arange(len(fills))
        for name, field in (("ticks", "ticks"), ("lots", "lots"), ("maker", "maker_id")):
            trades[name] = fills[field]
        trades["side"], trades["taker"] = side, self._orders
        return trades


class Exchange:
    """Desk, books and journal of some instruments. Use `open_exchange`."""

    def __init__(self, instruments: Sequence[Instrument], journal: Journal) -> None:
        self.journal = journal
        self._lock = threading.RLock()
        self.ports = {}
        for instrument in instruments:
            newest = Quote.objects.latest_of(instrument)
            assert newest is not None, f"record quotes of {instrument} first"
            at = int(Quote.objects.filter(pk=newest.pk).values_list("at", flat=True)[0].timestamp())
            self.ports[instrument.symbol] = Port(instrument, newest.ticks, at * 1_000_000)
        self.desk = Desk(
            loading.contracts(instruments), loading.accounts(), loading.tails(instruments)
        )
        for port in self.ports.values():
            self.desk.attach(port)

    def provide(self, symbol: str, side: int, ticks: int, lots: int) -> None:
        """Add a resting order of the background flow."""
        with self._lock:
            assert not len(self.ports[symbol].background(Kind.NEW, side, ticks, lots))

    def trade(self, symbol: str, side: int, lots: int) -> None:
        """Send a market order of the background flow, and record what it does to accounts."""
        port = self.ports[symbol]
        with self._lock:
            self.desk.on_trades(port.instrument_id, port.background(Kind.MARKET, side, 0, lots))
            self.store()

    def mark(self, symbol: str, ticks: int, at: int | None = None) -> None:
        """Move the price of the law."""
        port = self.ports[symbol]
        with self._lock:
            port.at = port.marked_at = at or port.at + 1_000_000
            port.mark = ticks
            self.desk.on_mark(port.instrument_id, ticks, port.at)
            self.store()

    def execute(self, *, store_each: bool = True) -> int:
        """Execute the waiting commands, one transaction each or all in one; return how many."""
        with self._lock:
            commands = loading.waiting_commands()
            for command in commands:
                if not self.desk.knows(command.account):
                    self.desk.add(*loading.accounts([command.account]))
                self.desk.handle(command)
                if store_each:
                    self.store()
            self.store()
        return len(commands)

    def store(self) -> None:
        with self._lock:
            self.journal.append(self.desk.take_records())

    @contextmanager
    def running(self) -> Iterator[None]:
        """Execute commands as they arrive, in a thread."""
        stopping = threading.Event()
        errors: list[BaseException] = []

        def run() -> None:
            try:
                while not stopping.wait(POLL_S):
                    if Command.objects.waiting().exists():
                        self.execute()
            except BaseException as error:
                errors.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()
            assert not errors, errors


@contextmanager
def open_exchange(*instruments: Instrument, publish: Any = None) -> Iterator[Exchange]:
    """Drive instruments that have quotes.

    Nothing renews the leases meanwhile, so they last for as long as a busy machine may need.
    """
    with override_settings(LEASE_TTL_S=LEASE_TTL_S), Journal(instruments, publish) as journal:
        yield Exchange(instruments, journal)
