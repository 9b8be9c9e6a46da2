"""The books of one process with the desk in front of them. Pure; one thread owns it."""

from collections.abc import Iterable
from typing import Final

from exchange.clearing.commands import Command
from exchange.clearing.desk import Desk
from exchange.clearing.orders import Cause
from exchange.flow.options import MarketOptions
from exchange.running.bookrun import BookRun
from journal.sources import Put

FOREVER: Final = 2**62


class Marketplace:
    """Runs books and commands, and puts what happened as bundles.

    A bundle contains every record since the one before, of all books that an account's command or
    liquidation may have touched, so that accounts and books always agree in the database.
    """

    def __init__(self, desk: Desk, put: Put) -> None:
        self.desk = desk
        self.runs: dict[int, BookRun] = {}
        self._put = put
        self._chosen: dict[int, MarketOptions] = {}

    def add(self, run: BookRun) -> None:
        """Serve a book from now on."""
        self.runs[run.instrument_id] = run
        self.desk.attach(run)

    def choose(self, run: BookRun, options: MarketOptions) -> None:
        """Run a book with other options from the next slot on."""
        if options != run.market.options:
            self._chosen[run.instrument_id] = options

    def advance(self, run: BookRun, until: int, most_slots: int | None = None) -> None:
        """Let everything happen in one book up to `until`, ending `most_slots` slots at most.

        Accounts see each slot before the next one begins: its fills, then its mark price.
        """
        last = FOREVER if most_slots is None else run.slot + most_slots
        while run.slot < last:
            before = run.slot
            if self.desk.watches(run.instrument_id):
                self._advance_watched(run, until)
            else:
                run.advance(until, 1 if run.instrument_id in self._chosen else last - before)
            self._apply_choice(run, before)
            run.checkpoint_if_due()
            if run.slot == before or run.at >= until:
                return

    def _advance_watched(self, run: BookRun, until: int) -> None:
        slot = run.slot
        self.desk.on_trades(run.instrument_id, run.advance(until, 1).trades)
        if run.slot > slot:
            self.desk.on_mark(run.instrument_id, run.mark, run.marked_at)

    def _apply_choice(self, run: BookRun, slot_before: int) -> None:
        if run.slot > slot_before and run.instrument_id in self._chosen:
            run.choose(self._chosen.pop(run.instrument_id))

    def execute(self, command: Command) -> None:
        """Execute a command at the present position of the books."""
        self.desk.handle(command)

    def refuse(self, command: Command, cause: Cause) -> None:
        """Answer a command without executing it."""
        self.desk.refuse(command, cause)

    def record(self, runs: Iterable[BookRun], *, urgent: bool = False) -> bool:
        """Put the records of `runs`, and of all books that accounts touched, as one bundle.

        Return False if the intake is closed.
        """
        bundle = self.desk.take_records()
        touched = {delivery.instrument_id for delivery in bundle}
        chosen = {run.instrument_id for run in runs} | touched
        for key, run in self.runs.items():
            if key in chosen:
                bundle += run.take()
        return not bundle or self._put(tuple(bundle), urgent=urgent)
