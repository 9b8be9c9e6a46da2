"""Books in runs of the law: options of commands, the live exchange, and back-filling."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from django.core.management.base import CommandParser

from exchange.accounts import loading
from exchange.accounts.notices import COMMANDS, Listener
from exchange.accounts.waking import commands_arrived, committed_blocks
from exchange.clearing.accounts import Contract
from exchange.clearing.desk import Desk
from exchange.depth.followed import FollowedBooks
from exchange.running.catchup import Behind, CatchUp
from exchange.running.choices import add_options, chosen
from exchange.running.commandqueue import CommandQueue
from exchange.running.driver import Driver
from exchange.running.exchangethread import ExchangeThread
from exchange.running.laws import first_slot_since
from exchange.running.marketplace import Marketplace
from exchange.running.recovery import Recorded, recorded
from exchange.running.warming import load_kernels
from instruments.models import Instrument
from journal import leases
from journal.intake import Bundle
from journal.journal import Journal
from journal.sources import Put
from market.timeframes import MICROSECONDS
from quotes.extensions import ExtensionError, LiveExtension, Options
from quotes.kinds import QUOTES
from quotes.law.simulation import Simulation

HISTORY_S: Final = 24 * 3_600
"""A live market opens a new book this long before its newest quote, or as long as --backfill."""
FILL_SLOTS: Final = 1_000
"""Slots per transaction of a back-fill."""


class Books:
    """Adds books to the instruments that have one."""

    name = "books"

    def add_options(self, parser: CommandParser) -> None:
        add_options(parser)

    def open(
        self, journal: Journal, simulation: Simulation, options: Options
    ) -> LiveExtension | None:
        if not booked(journal, options):
            return None
        require_alone(journal)
        load_kernels()
        listener = Listener(COMMANDS, lambda text: commands_arrived.set())
        make = prepared(journal, simulation, options, time.monotonic, lambda: listener.is_listening)
        return ExchangeThread(make, listener=listener)

    def missing(self, journal: Journal, since: int, options: Options) -> int:
        books = recorded_books(journal, since, options)
        place = Marketplace(Desk([]), partial(append, journal))
        catch_up = CatchUp(place, books, partial(chosen, options))
        return sum(max(0, catch_up.slots_left(book)) for book in books)

    def fill(
        self, journal: Journal, since: int, options: Options, advance: Callable[[int], None]
    ) -> Mapping[str, object]:
        books = recorded_books(journal, since, options)
        if not books:
            return {}
        require_alone(journal)
        place = Marketplace(loaded_desk(), partial(append, journal))
        catch_up = CatchUp(place, books, partial(chosen, options))
        while catch_up.is_recovering:
            catch_up.recover()
        seqs = {key: run.trade_seq for key, run in place.runs.items()}
        while (book := catch_up.next_book()) is not None:
            left = catch_up.slots_left(book)
            run = catch_up.run_slice(book, FILL_SLOTS)
            if not (left := left - catch_up.slots_left(book)):
                break
            place.record([run])
            advance(left)
        for run in place.runs.values():
            run.checkpoint()
        place.record(place.runs.values())
        return {"trades": sum(run.trade_seq - seqs[key] for key, run in place.runs.items())}


def prepared(
    journal: Journal,
    simulation: Simulation,
    options: Options,
    clock: Callable[[], float],
    is_notified: Callable[[], bool] = lambda: False,
) -> Callable[[Put], Driver]:
    """Read what the books of a live market continue; return what makes their driver.

    `is_notified` says whether every new command sets `commands_arrived`.
    """
    history_us = round(max(HISTORY_S, options.get("backfill") or 0) * MICROSECONDS)
    books = [
        behind(
            journal,
            recorded(journal, instrument),
            journal.tail(instrument.pk, QUOTES).at - history_us,
            partial(simulation.next_seq, instrument.pk),
        )
        for instrument in booked(journal, options)
    ]
    desk = loaded_desk()

    def driver(put: Put) -> Driver:
        place = Marketplace(desk, put)
        catch_up = CatchUp(place, books, partial(chosen, options))
        queue, followed = CommandQueue(is_notified, clock), FollowedBooks(clock)
        return Driver(place, catch_up, queue, simulation.release, committed_blocks, followed, clock)

    return driver


def append(journal: Journal, bundle: Bundle, *, urgent: bool = False) -> bool:
    """Store a bundle at once: the `Put` of a back-fill."""
    journal.append(bundle)
    return True


def booked(journal: Journal, options: Options) -> list[Instrument]:
    """Return the instruments of a journal whose books run."""
    if options.get("no_books"):
        return []
    return [instrument for instrument in journal.instruments if instrument.has_book]


def recorded_books(journal: Journal, since: int, options: Options) -> list[Behind]:
    """Return the books of the journal's instruments that have quotes."""
    return [
        behind(
            journal, recorded(journal, instrument), since, partial(next_seq, journal, instrument)
        )
        for instrument in booked(journal, options)
        if journal.tail(instrument.pk, QUOTES).seq
    ]


def next_seq(journal: Journal, instrument: Instrument) -> int:
    return journal.tail(instrument.pk, QUOTES).seq + 1


def behind(journal: Journal, found: Recorded, since: int, target: Callable[[], int]) -> Behind:
    """Return a book to bring to its quotes; a new one opens with the first slot since `since`."""
    first = found.first_slot or found.slot
    if not first:
        first = first_slot_since(journal, found.instrument, found.laws, since)
    return Behind(found=found, first_slot=first, target=target)


def loaded_desk() -> Desk:
    """Return a desk with all accounts as the database has them."""
    instruments = list(Instrument.objects.filter(has_book=True))
    return Desk(contracts(instruments), loading.accounts(), loading.tails(instruments))


def contracts(instruments: Iterable[Instrument]) -> Sequence[Contract]:
    """Return the contracts of instruments, marked by their newest quotes or opening prices."""
    found = {instrument.pk: instrument for instrument in instruments}
    marks = loading.marks(found)
    return [
        Contract(
            instrument=key,
            tick_value=loading.tick_value(instrument),
            mark=marks.get(key, instrument.opening_ticks),
        )
        for key, instrument in found.items()
    ]


def require_alone(journal: Journal) -> None:
    """Raise ExtensionError if another process drives books: it owns all accounts."""
    for lease in leases.of_others(journal.holder):
        if lease.instrument.has_book:
            raise ExtensionError(
                f"{lease.holder} drives {lease.instrument.symbol}, and all books belong to one "
                "process: stop it, or use --no-books"
            )
