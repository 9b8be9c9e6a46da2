"""The clearing desk: margin, triggers, liquidation and funding in front of the engines."""

from collections.abc import Iterable

import numpy as np

from exchange.clearing import checks, funding
from exchange.clearing.accounts import Account, Contract
from exchange.clearing.amending import amend
from exchange.clearing.books import Book
from exchange.clearing.commands import Command, CommandKind
from exchange.clearing.entry import enter
from exchange.clearing.floor import Floor
from exchange.clearing.ledger import LedgerCause
from exchange.clearing.liquidation import liquidate
from exchange.clearing.margin import LARGEST_LEVERAGE
from exchange.clearing.money import LARGEST_MONEY
from exchange.clearing.orders import Cause, Order, State
from exchange.clearing.ports import BookPort
from exchange.clearing.records import Tails
from exchange.clearing.settling import settle
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
        match command.kind:
            case CommandKind.PLACE:
                self._place(command)
            case CommandKind.AMEND | CommandKind.CANCEL:
                self._change(command)
            case CommandKind.CANCEL_ALL:
                self._cancel_all(command)
            case CommandKind.LEVERAGE:
                self._set_leverage(command)
            case CommandKind.MONEY:
                self._move_money(command)
        settle(floor)

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
        since, book.mark, book.marked_at = book.marked_at, ticks, at
        if funding.is_due(since, at):
            funding.pay(floor, book, at)
        settle(floor, book.by_mark.due(ticks, ticks))
        liquidate(floor, book)
        settle(floor)

    def take_records(self) -> list[Delivery]:
        """Return the rows since the last call, numbered without gaps."""
        return self._floor.records.take()

    def _place(self, command: Command) -> None:
        floor, order = self._floor, command.placed
        if order is None or order.id in floor.orders:
            self._answer(command, Cause.DUPLICATE_ORDER if order else Cause.UNSUPPORTED)
        elif (refused := self._refusal(order)) is not None:
            order.move(State.REJECTED)
            book = floor.books.get(order.instrument)
            if book is None or book.port is None:
                book = self._home()
            floor.records.order_event(
                book.open_port.at,
                book.instrument,
                floor.accounts[order.account],
                order,
                command.id,
                refused,
            )
        elif order.trigger_ticks:
            order.move(State.UNTRIGGERED)
            floor.keep(order)
            floor.event(order, Cause.ACCEPTED, command.id)
        else:
            enter(floor, order, command=command.id)

    def _refusal(self, order: Order) -> Cause | None:
        """Return why an order cannot even be considered."""
        floor = self._floor
        book = floor.books.get(order.instrument)
        if book is None or book.port is None:
            return Cause.NO_BOOK
        if (order.account, order.client_id) in floor.client_ids:
            return Cause.DUPLICATE_ORDER
        holding = floor.accounts[order.account].holding(order.instrument)
        refused = checks.form(order) or checks.room(holding)
        if refused is None and order.trigger_ticks:
            refused = checks.trigger(order, book.watched_price(order))
        return refused

    def _change(self, command: Command) -> None:
        floor = self._floor
        order = floor.orders.get(command.order) or floor.client_ids.get(
            (command.account, command.client_id)
        )
        if order is None or order.account != command.account:
            self._answer(command, Cause.NOT_OPEN)
        elif floor.books[order.instrument].port is None:
            self._answer(command, Cause.NO_BOOK)
        elif command.kind is CommandKind.CANCEL:
            floor.cancel(order, Cause.CANCELLED, command.id)
        else:
            amend(floor, order, command)

    def _cancel_all(self, command: Command) -> None:
        floor = self._floor
        holdings = floor.accounts[command.account].holdings
        asked = [command.instrument] if command.instrument else sorted(holdings)
        if command.instrument and self._attached(command.instrument) is None:
            self._answer(command, Cause.NO_BOOK)
            return
        orders = [
            order
            for instrument in asked
            if instrument in holdings and self._attached(instrument)
            for order in holdings[instrument].orders()
        ]
        for order in orders:
            floor.cancel(order, Cause.CANCELLED, command.id)
        self._answer(command, Cause.CANCELLED, len(orders))

    def _set_leverage(self, command: Command) -> None:
        floor, account = self._floor, self._floor.accounts[command.account]
        leverage = command.leverage
        if self._attached(command.instrument) is None:
            self._answer(command, Cause.NO_BOOK)
        elif not 1 <= leverage <= LARGEST_LEVERAGE:
            self._answer(command, Cause.INVALID_LEVERAGE)
        else:
            holding = account.holding(command.instrument)
            before, available = holding.leverage, floor.value(account).available
            holding.leverage = leverage
            after = floor.value(account).available
            if before == leverage:
                self._answer(command, Cause.LEVERAGE_UNCHANGED, leverage)
            elif after < 0 and after < available:
                holding.leverage = before
                self._answer(command, Cause.INSUFFICIENT_MARGIN)
            else:
                self._answer(command, Cause.LEVERAGE_SET, leverage)

    def _move_money(self, command: Command) -> None:
        floor, account, amount = self._floor, self._floor.accounts[command.account], command.amount
        allowed = min(account.balance, floor.value(account).available)
        if not amount or account.balance + amount > LARGEST_MONEY:
            self._answer(command, Cause.INVALID_AMOUNT)
        elif amount < 0 and allowed < -amount:
            self._answer(command, Cause.INSUFFICIENT_MARGIN)
        else:
            account.balance += amount
            cause = LedgerCause.DEPOSIT if amount > 0 else LedgerCause.WITHDRAWAL
            home = self._home()
            floor.records.money(home.open_port.at, home.instrument, account, cause, amount)
            self._answer(command, Cause.MONEY_MOVED)

    def _answer(self, command: Command, cause: Cause, lots: int = 0) -> None:
        """Answer a command that changed no single order."""
        book = self._attached(command.instrument) or self._home()
        account = self._floor.accounts[command.account]
        self._floor.records.answer(
            book.open_port.at, book.instrument, account, command.id, cause, lots
        )

    def _attached(self, instrument_id: int) -> Book | None:
        book = self._floor.books.get(instrument_id)
        return book if book is not None and book.port is not None else None

    def _home(self) -> Book:
        """Return the first attached book, whose stream takes what belongs to no instrument."""
        attached = [key for key, book in self._floor.books.items() if book.port is not None]
        if not attached:
            raise LookupError("no book is attached to the desk")
        return self._floor.books[min(attached)]
