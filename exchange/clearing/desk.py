"""The clearing desk: margin, triggers, liquidation and funding in front of the engines."""

from collections.abc import Iterable

import numpy as np

from exchange.clearing import funding
from exchange.clearing.accounts import Account, Contract
from exchange.clearing.commands import Command
from exchange.clearing.floor import Floor
from exchange.clearing.handling import execute, refuse
from exchange.clearing.liquidation import liquidate
from exchange.clearing.orders import Cause
from exchange.clearing.ports import BookPort
from exchange.clearing.records import Tails
from exchange.clearing.settling import settle
from exchange.clearing.valuation import Valuation, valuation
from market.kinds import Delivery, Rows


class Desk:
    """All accounts of a process; one thread owns it.

    Every change is a row of ORDER_EVENTS, EXECUTIONS or FUNDING at the time of the book that it
    concerns. From the state that these rows leave (open orders, positions, balances, leverages,
    numbers of rows) an equal desk can be loaded at any moment between two calls.

    While it `watches` a book, `on_trades` and `on_mark` must be called at the end of every slot,
    before the book runs on: rows are recorded at the present time of the book.
    """

    def __init__(
        self,
        contracts: Iterable[Contract],
        accounts: Iterable[Account] = (),
        tails: Tails | None = None,
    ) -> None:
        self._floor = Floor(contracts, accounts, tails or Tails())

    @property
    def accounts(self) -> dict[int, Account]:
        """Return the accounts by id, for reading."""
        return self._floor.accounts

    def attach(self, port: BookPort) -> None:
        """Serve a book from now on; commands for others are rejected with NO_BOOK."""
        book = self._floor.books[port.instrument_id]
        book.port = port
        book.refresh()

    def detach(self, instrument_id: int) -> None:
        """Stop serving a book."""
        self._floor.books[instrument_id].port = None

    def add(self, account: Account) -> None:
        """Add an account that was opened after the desk was loaded."""
        self._floor.add(account)

    def knows(self, account_id: int) -> bool:
        """Return whether the account was loaded or added."""
        return account_id in self._floor.accounts

    def value(self, account_id: int) -> Valuation:
        """Return equity and margins of an account at the newest marks."""
        return valuation(self._floor.accounts[account_id], self._floor.contracts)

    def watches(self, instrument_id: int) -> bool:
        """Return whether any account has an open order or a position in the instrument.

        If not, `on_trades` and `on_mark` need not be called until the next command.
        """
        book = self._floor.books[instrument_id]
        return bool(book.orders or book.holders)

    def handle(self, command: Command) -> None:
        """Execute a command at the present positions of the attached books.

        The last of its ORDER_EVENTS rows answers it: `command` is its id, `cause` its result.
        Commands that concern no single order, or one that is not open, are answered by a row with
        order 0, in the stream of their instrument, or of the first attached one. `placed` belongs
        to the desk from now on. Raise LookupError if the account is unknown.
        """
        floor = self._floor
        if command.account not in floor.accounts:
            raise LookupError(f"account {command.account} is not at the desk: add it first")
        for book in floor.books.values():
            book.refresh()
        execute(floor, command)
        settle(floor)

    def refuse(self, command: Command, cause: Cause) -> None:
        """Answer a command without executing it. Raise LookupError if the account is unknown."""
        if command.account not in self._floor.accounts:
            raise LookupError(f"account {command.account} is not at the desk: add it first")
        refuse(self._floor, command, cause)

    def on_trades(self, instrument_id: int, trades: Rows) -> None:
        """Book the fills that TRADES rows of the background flow brought to account orders."""
        if not len(trades):
            return
        floor, prices = self._floor, trades["ticks"]
        floor.books[instrument_id].note_trades(int(prices.min()), int(prices.max()))
        ours = trades[np.flatnonzero(trades["maker"] < 0)]
        fields = (ours[name].tolist() for name in ("maker", "seq", "ticks", "lots", "at"))
        for maker, seq, ticks, lots, at in zip(*fields, strict=True):
            floor.fill_maker(-maker, (seq, ticks, lots), at)
        settle(floor)

    def on_mark(self, instrument_id: int, ticks: int, at: int) -> None:
        """Take a new mark price at the end of a slot: funding, triggers, liquidation.

        Give the trades of the slot to `on_trades` first.
        """
        floor = self._floor
        book = floor.books[instrument_id]
        since, book.contract.mark, book.marked_at = book.marked_at, ticks, at
        if funding.is_due(since, at):
            funding.pay(floor, book, at)
        settle(floor, book.by_mark.due(ticks, ticks))
        liquidate(floor, book)
        settle(floor)

    def take_records(self) -> list[Delivery]:
        """Return the rows since the last call, numbered without gaps."""
        return self._floor.records.take()
